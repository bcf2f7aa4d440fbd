// node scripts/aws-api.ts BOTOCORE_DATA_FOLDER: writes test/fixtures/aws-api.json, the calls that the driver of EBS
// makes as Amazon describes them. The folder is botocore's `data`; the peer `moto` has one.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

interface Model {
  readonly metadata: {
    readonly apiVersion: string;
    readonly protocol: string;
    readonly xmlNamespace?: string;
  };
  readonly operations: Readonly<Record<string, Operation>>;
  readonly shapes: Readonly<Record<string, Shape>>;
}

interface Operation {
  readonly input?: { readonly shape: string };
  readonly output?: { readonly shape: string; readonly resultWrapper?: string };
}

interface Member {
  readonly shape: string;
  readonly locationName?: string;
  readonly queryName?: string;
}

interface Shape {
  readonly type: string;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly min?: number;
  readonly max?: number;
  readonly members?: Readonly<Record<string, Member>>;
  readonly member?: Member;
  readonly key?: Member;
  readonly value?: Member;
}

const services = {
  ec2: {
    version: '2016-11-15',
    calls: [
      'CopySnapshot',
      'CreateSnapshot',
      'CreateSnapshots',
      'CreateTags',
      'CreateVolume',
      'DeleteSnapshot',
      'DeleteVolume',
      'DescribeAvailabilityZones',
      'DescribeInstances',
      'DescribeRegions',
      'DescribeSnapshotAttribute',
      'DescribeSnapshots',
      'DescribeVolumes',
      'ModifySnapshotAttribute',
    ],
  },
  kms: { version: '2014-11-01', calls: ['CreateGrant', 'DescribeKey', 'ListGrants', 'RevokeGrant'] },
  sts: { version: '2011-06-15', calls: ['GetCallerIdentity'] },
} as const;

function membersOf(shape: Shape): readonly Member[] {
  const { members = {}, member, key, value } = shape;
  return [...Object.values(members), ...[member, key, value].filter((one) => one !== undefined)];
}

function reachable(model: Model, starts: readonly string[]): Readonly<Record<string, Shape>> {
  const found = new Map<string, Shape>();
  const waiting = [...starts];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const shape = model.shapes[name];
    if (shape === undefined || found.has(name)) continue;
    found.set(name, shape);
    waiting.push(...membersOf(shape).map((member) => member.shape));
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node scripts/aws-api.ts BOTOCORE_DATA_FOLDER');
const extracts = Object.entries(services).map(([service, { version, calls }]) => {
  const packed = readFileSync(join(folder, service, version, 'service-2.json.gz'));
  const model = JSON.parse(gunzipSync(packed).toString('utf8')) as Model;
  const operations = calls.map((name) => {
    const { input, output } = model.operations[name] ?? {};
    const wrapper = output?.resultWrapper;
    return [name, { input: input?.shape, output: output?.shape, resultWrapper: wrapper }] as const;
  });
  const starts = operations.flatMap(([, { input, output }]) => [input ?? [], output ?? []].flat());
  const { apiVersion, protocol, xmlNamespace } = model.metadata;
  return [
    service,
    {
      apiVersion,
      protocol,
      xmlNamespace,
      operations: Object.fromEntries(operations),
      shapes: reachable(model, starts),
    },
  ] as const;
});
const withoutWords = (key: string, value: unknown): unknown =>
  key === 'documentation' || key === 'documentationUrl' ? undefined : value;
const fixtures = join(import.meta.dirname, '../test/fixtures');
mkdirSync(fixtures, { recursive: true });
// A line for each shape, so that what a newer description changes can be read.
const text = JSON.stringify(Object.fromEntries(extracts), withoutWords).replaceAll('},"', '},\n"');
writeFileSync(join(fixtures, 'aws-api.json'), `${text}\n`);
