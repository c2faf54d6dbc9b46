console.log('benchmarks may print');
