/** A store as Velero leaves it, read by what Velero was told of it. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Restic } from './restic.ts';
import type { PeerOptions } from './restic.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { messages, tranship } from './tranship.ts';

/** Velero's own, which all its repositories have. */
const password = 'static-passw0rd';

export interface DescribedLocation {
  readonly provider: 'aws' | 'azure' | 'gcp';
  /** YAML of the `objectStorage`, but for its prefix. */
  readonly storage: string;
  /** YAML of its `config`. */
  readonly config: string;
  /** The plug-in's credentials file. */
  readonly credentials: string;
}

/** What `kubectl -n velero get backupstoragelocation,secret -o yaml` prints. */
export function veleroDescription({ provider, storage, config, credentials }: DescribedLocation): string {
  return `apiVersion: v1
kind: List
items:
- apiVersion: velero.io/v1
  kind: BackupStorageLocation
  metadata: { name: default, namespace: velero, resourceVersion: "12" }
  spec:
    provider: velero.io/${provider}
    default: true
    credential: { name: cloud-credentials, key: cloud }
    objectStorage: { ${storage}, prefix: velero }
    config: { ${config} }
  status: { phase: Available }
- apiVersion: v1
  kind: Secret
  metadata: { name: cloud-credentials, namespace: velero }
  type: Opaque
  data: { cloud: ${Buffer.from(credentials).toString('base64')} }
`;
}

/** An empty bucket or container, for Velero's prefix `velero`. */
export interface DescribedBucket {
  /** What `kubectl -n velero get backupstoragelocation,secret -o yaml` prints. */
  readonly yaml: string;
  /** What restic is told of `velero/restic/shop`. */
  readonly restic: PeerOptions;
  /** The location of `velero` without a description, and what it takes to open it. */
  readonly plain: { readonly location: string; readonly env: Readonly<Record<string, string>> };
  /** Must be in no message. */
  readonly secret: string;
  /** Puts an object past our own code. */
  readonly putObject: (key: string) => Promise<void>;
}

/** restic makes a repository there; it is found, read and continued by the description alone. */
export async function assertReadsWhatVeleroLeft(t: TestContext, bucket: DescribedBucket): Promise<void> {
  const folder = temporaryFolder(t);
  const [source, target] = [join(folder, 'source'), join(folder, 'target')];
  mkdirSync(source);
  writeFileSync(join(source, 'file'), 'of a volume');
  const restic = new Restic({ ...bucket.restic, password });
  await restic.init();
  await restic.backup([source]);
  await bucket.putObject('velero/backups/one/velero-backup.json');
  await bucket.putObject('velero/kopia/shop/kopia.repository');
  writeFileSync(join(folder, 'store.yaml'), bucket.yaml);
  const location = `velero:${join(folder, 'store.yaml')}`;

  const repos = await tranship(['store', 'repos', location, '--json']);
  assert.deepEqual([repos.stderr, repos.code], ['', 0]);
  const [found]: unknown[] = messages(repos.stdout);
  assert.ok(Array.isArray(found));
  assert.deepEqual(
    found.map(({ path, format, snapshots }) => [path, format, snapshots]),
    [
      ['kopia/shop', 'kopia', null],
      ['restic/shop', 'restic', 1],
    ],
  );
  const { env, location: plain } = bucket.plain;
  const byUrl = await tranship(['store', 'repos', plain, '--json'], { env });
  assert.equal(byUrl.stdout, repos.stdout, byUrl.stderr);

  const piped = await tranship(['store', 'check', 'velero:-'], { input: bucket.yaml });
  assert.deepEqual([piped.stderr, piped.code], ['', 0]);

  const one = { TRANSHIP_REPOSITORY: `${location}?path=restic/shop`, TRANSHIP_PASSWORD: password };
  const restored = await tranship(['restore', `latest:${source}`, '--target', target], { env: one });
  assert.equal(restored.code, 0, restored.stderr);
  assert.equal(readFileSync(join(target, 'file'), 'utf8'), 'of a volume');
  const staged = await tranship(['stage', target, '--as', '/v'], { env: one });
  assert.equal(staged.code, 0, staged.stderr);
  await restic.check();
  for (const { stdout, stderr } of [repos, piped, restored, staged]) {
    assert.ok(!`${stdout}${stderr}`.includes(bucket.secret), 'a secret was printed');
  }
}
