/** Months as customers and Odoo live them, told through the public faces. Every number in them is written by hand. */
import { Story } from '../support/story';
import { SCENARIOS } from './catalogue/all';
import { play } from './scenario';
import { expectOnlyTargets } from './slot-history';

it.each(SCENARIOS)('$name', async (scenario) => {
  const story = await Story.open(scenario.opening);
  try {
    await play(story, scenario);
    await expectOnlyTargets(story);
  } finally {
    await story.close();
  }
});
