'use strict';
// Loaded into the command by `node --require`: at its end, writes to file descriptor 3 how many bytes of
// memory were resident at most. VmHWM is of this program alone; ru_maxrss would begin with its parent's.
const { readFileSync, writeSync } = require('node:fs');

process.on('exit', () => {
	const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
	writeSync(3, String(Number(kibibytes) * 1024));
});
