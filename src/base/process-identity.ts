import { readFileSync, readlinkSync } from 'node:fs';

/** State is field 3 of proc_pid_stat(5), the first behind the command's name; the start time is field 22. */
const START_TIME_INDEX = 22 - 3;

/** Random id of the machine's running kernel, new at every boot; undefined where there is no procfs. */
export function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}

/**
 * Identity of this process's PID namespace, such as `pid:[4026531836]`: a PID means something only within it.
 */
export function pidNamespace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return undefined;
  }
}

/**
 * When a process of our PID namespace was started, in clock ticks since boot; undefined when it does not
 * exist. With the PID it names a process for ever: a PID alone is given again.
 */
export function processStartTime(pid: number): bigint | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The command's name stands in parentheses and may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const startTime = fields[START_TIME_INDEX];
  return startTime === undefined ? undefined : BigInt(startTime);
}
