export default { exempt: 'as a configuration file' };
