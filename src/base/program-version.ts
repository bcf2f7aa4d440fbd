import { readFileSync } from 'node:fs';

let version: string | undefined;

/** `tranship` and the version in package.json, which stands two folders above both the sources and the build. */
export function programVersion(): string {
  version ??= readVersion();
  return `tranship ${version}`;
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const found =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : undefined;
  return typeof found === 'string' ? found : 'of unknown version';
}
