/** Properties draw the same examples in every run, and do not look for the smallest that fails: a mutant dies or lives by itself. */
import fc from 'fast-check';

fc.configureGlobal({ seed: 20_260_301, endOnFailure: true });
