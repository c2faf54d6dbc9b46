import '../../src/boot/start';
