import { cpus, release, totalmem } from 'node:os';

/** What a run was made on, in one line. */
export function describeMachine(): string {
  const processors = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`;
  return `${processors}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.versions.node}`;
}
