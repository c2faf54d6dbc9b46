export const name = 'jobs/tasks';
