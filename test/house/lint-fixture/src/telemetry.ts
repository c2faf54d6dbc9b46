import './config';
import './services/step'; // expect: import-x/no-restricted-paths

export const name = 'telemetry';
