console.log('scripts may print');
