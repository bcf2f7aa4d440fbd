import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { message, messages, tranship } from '../support/tranship.ts';

const objects = `
kind: List
items:
- kind: Node
  metadata: {labels: {topology.kubernetes.io/zone: us-east-1a}}
  spec: {providerID: aws:///us-east-1a/i-0123456789abcdef0}
- kind: StorageClass
  metadata: {name: fast}
  provisioner: ebs.csi.aws.com
- kind: PersistentVolume
  metadata: {name: pv-1}
  spec:
    capacity: {storage: 1Gi}
    claimRef: {namespace: shop, name: files}
    nfs: {server: 10.0.0.1, path: /}
`;

interface Place {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

async function placeWithRepository(t: TestContext): Promise<Place> {
  const cwd = temporaryFolder(t);
  const place = { cwd, env: { TRANSHIP_REPOSITORY: join(cwd, 'replica') } };
  writeFileSync(join(cwd, 'cluster.yaml'), objects);
  assert.equal((await tranship(['init'], place)).code, 0);
  return place;
}

describe('tranship disk', () => {
  it('tells what speaks against a volume that is on no disk, and exits 3', async (t) => {
    const place = await placeWithRepository(t);
    const args = ['disk', 'preflight', 'shop/files', '--source', 'cluster.yaml', '--target', 'cluster.yaml'];
    const text = await tranship([...args, '--class', 'slow'], place);
    assert.equal(text.code, 3, text.stderr);
    assert.match(text.stdout, /handle-unknown/);
    assert.match(text.stdout, /class-missing/);
    assert.match(text.stdout, /copy shop\/files by its files/);
    const json = await tranship([...args, '--class', 'slow', '--pass', 'stage', '--json'], place);
    assert.equal(json.code, 3, json.stderr);
    const violations = messages(json.stdout).filter((line) => line['message_type'] === 'violation');
    assert.deepEqual(
      violations.map((violation) => violation['code']),
      ['repository-provider-mismatch', 'handle-unknown', 'class-missing', 'final-only'],
    );
    assert.equal(message(json.stdout, 'summary')['violations'], 4);
  });

  it('refuses a snapshot of such a volume before anything is made', async (t) => {
    const place = await placeWithRepository(t);
    const args = ['disk', 'snapshot', 'pv-1', '--source', 'cluster.yaml', '--plan', 'shop'];
    assert.equal((await tranship(args, place)).code, 3);
    const list = await tranship(['disk', 'list', '--json'], place);
    assert.deepEqual([list.code, list.stdout], [0, '[]\n']);
  });

  it('lists a document that cannot be read, exits 3, and sweeps nothing then', async (t) => {
    const place = await placeWithRepository(t);
    const id = 'tranship-0123456789abcdef01234567';
    const folder = join(place.cwd, 'replica', 'tranship', 'disks');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, id), 'no document');
    const text = await tranship(['disk', 'list'], place);
    assert.equal(text.code, 3, text.stderr);
    assert.match(text.stderr, new RegExp(id));
    const json = await tranship(['disk', 'list', '--json'], place);
    assert.equal(json.code, 3, json.stderr);
    assert.match(json.stdout, new RegExp(`"id":"${id}","state":"unreadable"`));
    for (const args of [['restore', id], ['restore', id.slice(0, 14)], ['delete', id], ['sweep']]) {
      const { code, stderr } = await tranship(['disk', ...args], place);
      assert.notEqual(code, 0, args.join(' '));
      assert.match(stderr, /cannot be decrypted/, args.join(' '));
    }
  });

  const wrong: Readonly<Record<string, readonly [readonly string[], RegExp]>> = {
    'a handle of no known form': [['preflight', 'vol-?'], /no volume handle of a known form: vol-\?/],
    'no volume': [['preflight'], /no volume was named/],
    'a claim that the source does not have': [
      ['preflight', 'shop/other', '--source', 'cluster.yaml'],
      /neither a volume of --source nor a handle of a known form: shop\/other \(the file has shop\/files\)/,
    ],
    'volumes of two clouds': [
      ['preflight', 'vol-0123456789abcdef0', 'projects/p/zones/europe-west1-b/disks/d'],
      /several clouds/,
    ],
    'a snapshot without a plan': [['snapshot', 'vol-0123456789abcdef0'], /use --plan NAME/],
    'a snapshot that is not there': [['restore', 'tranship-01'], /see `tranship disk list`/],
    'a claim without a class': [['restore', 'tranship-01', '--claim', 'shop/data'], /use --class NAME/],
    'something to remove that is not there': [['delete', 'tranship-01'], /as `tranship disk list` does/],
    'a sweep of nowhere': [['sweep'], /use --provider/],
    'an unknown provider': [['sweep', '--provider', 'moon'], /aws, azure, gcp/],
    'an unknown role': [['policy', 'aws', 'admin'], /snapshot, restore, sweep/],
    'a rule that there is not': [
      ['snapshot', 'pv-1', '--source', 'cluster.yaml', '--plan', 'shop', '--allow', 'all'],
      /no rule of the preflight/,
    ],
  };
  it('says what is wrong with its arguments, and exits 2', async (t) => {
    const place = await placeWithRepository(t);
    for (const [name, [args, said]] of Object.entries(wrong)) {
      const { code, stderr } = await tranship(['disk', ...args], place);
      assert.equal(code, 2, `${name}: ${stderr}`);
      assert.match(stderr, said, name);
    }
  });

  it('says which file of a cluster cannot be read, and where it is wrong', async (t) => {
    const place = await placeWithRepository(t);
    const args = ['disk', 'preflight', 'pv-1', '--source'];
    assert.match((await tranship([...args, 'absent.yaml'], place)).stderr, /no such file.*absent\.yaml/);
    writeFileSync(join(place.cwd, 'wrong.yaml'), objects.replace('1Gi', 'much'));
    assert.match((await tranship([...args, 'wrong.yaml'], place)).stderr, /wrong\.yaml:\d+/);
  });
});
