/** Reads archives with the system's tar, as those who get them do. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { asError } from '../../../src/base/errors.ts';

const keepAll = [
  '--numeric-owner',
  '--xattrs',
  '--xattrs-include=*',
  '--acls',
  '-p',
  '--warning=no-timestamp',
];

/** Extracts an archive into a folder that is made. */
export async function extractTar(archive: AsyncIterable<Uint8Array>, target: string): Promise<void> {
  mkdirSync(target, { recursive: true });
  const child = spawn('tar', [...keepAll, '-xf', '-', '-C', target], {
    stdio: ['pipe', 'ignore', 'pipe'],
    // Elsewhere it converts long names from UTF-8, and drops characters that its iconv ignores (U+E0001).
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const written = await pipeline(archive, child.stdin).then(
    () => undefined,
    (error: unknown) => asError(error),
  );
  const code = await ended;
  if (code !== 0 || stderr !== '') throw new Error(`tar ended with ${code}: ${stderr}`);
  // A tar that has found the end mark may close its input before it is told that this was all.
  if (written !== undefined && !isClosedEarly(written)) throw written;
}

function isClosedEarly(error: Error): boolean {
  return 'code' in error && (error.code === 'ERR_STREAM_PREMATURE_CLOSE' || error.code === 'EPIPE');
}

/** The lines of a detailed listing of a file, with times in UTC and names escaped in octal. */
export function listTar(path: string): string[] {
  const options = ['--quoting-style=escape', '--full-time', '--utc', ...keepAll];
  const { status, stdout, stderr } = spawnSync('tar', ['-tvf', path, ...options], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (status !== 0 || stderr !== '') throw new Error(`tar ended with ${status}: ${stderr}`);
  return stdout.split('\n').filter((line) => line !== '');
}
