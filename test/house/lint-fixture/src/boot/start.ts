export const name = 'boot/start';
