import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { UsageError } from '../../../../src/base/errors.ts';
import { silentLogger } from '../../../../src/base/logger.ts';
import { openDriver, openStore } from '../../../../src/providers/objects/open.ts';
import { awsConfigKeys } from '../../../../src/providers/objects/velero/aws.ts';
import { azureConfigKeys } from '../../../../src/providers/objects/velero/azure.ts';
import type { DescribedStore } from '../../../../src/providers/objects/velero/described-store.ts';
import { gcpConfigKeys } from '../../../../src/providers/objects/velero/gcp.ts';
import { migStorageKeys } from '../../../../src/providers/objects/velero/mig-storage.ts';
import { mergedSettings } from '../../../../src/providers/objects/merged-settings.ts';
import { parseVeleroLocation } from '../../../../src/providers/objects/velero/location.ts';
import { readDescription } from '../../../../src/providers/objects/velero/read-description.ts';
import { projectText } from '../../../support/project-files.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { Authority } from '../../../support/tls/certificates.ts';

const secretKey = 'hush-this-is-secret';
const ini = `[default]\naws_access_key_id=AKID\naws_secret_access_key=${secretKey}\n`;
const encoded = (text: string): string => Buffer.from(text).toString('base64');

const secret = `
apiVersion: v1
kind: Secret
metadata: { name: cloud-credentials, namespace: velero }
data:
  cloud: ${encoded(ini)}
`;

function location(spec: string): string {
  return `
apiVersion: velero.io/v1
kind: BackupStorageLocation
metadata: { name: default, namespace: velero }
spec:
${spec.replace(/^/gm, '  ')}
status: { phase: Available }
`;
}

const plain = location(`provider: velero.io/aws
objectStorage: { bucket: replica, prefix: /velero/ }
config:
  region: eu-west-1
  s3Url: http://minio.velero.svc:9000
  publicUrl: https://minio.example.com
  s3ForcePathStyle: "true"
  signatureVersion: "4"
  checksumAlgorithm: ""`);

async function read(t: TestContext, yaml: string, query = ''): Promise<DescribedStore> {
  const file = join(temporaryFolder(t), 'store.yaml');
  writeFileSync(file, yaml);
  return readDescription(parseVeleroLocation(`${file}${query}`), undefined);
}

/** The message of the UsageError, without the folder of the file. */
async function refusal(t: TestContext, yaml: string, query = ''): Promise<string> {
  const [result] = await Promise.allSettled([read(t, yaml, query)]);
  assert.ok(result.status === 'rejected' && result.reason instanceof UsageError, 'it was not refused');
  assert.ok(!/\n/.test(result.reason.message), 'a message is one line');
  assert.ok(!result.reason.message.includes(secretKey), 'a message holds a secret');
  return result.reason.message.replace(/\/\S*\/store\.yaml/, 'store.yaml');
}

describe('a BackupStorageLocation', () => {
  it('opens the store that it means, with the credentials of its Secret', async (t) => {
    const described = await read(t, `${plain}---${secret}`);
    assert.equal(
      described.location,
      's3://replica/velero?endpoint=http://minio.velero.svc:9000&region=eu-west-1&path-style=true',
    );
    const credentials = { accessKeyId: 'AKID', secretAccessKey: secretKey, sessionToken: undefined };
    assert.deepEqual(described.settings, { s3: { credentials } });
    assert.deepEqual(described.warnings, []);
  });

  it('may stand beside very many keys, and in one line of JSON', async (t) => {
    const many = Array.from({ length: 50_000 }, (_, index) => `k${index}: 1`).join('\n');
    assert.match((await read(t, `${plain}---\n${many}\n`)).location, /^s3:\/\/replica\//);
    const data = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`k${index}`, 'QUFB']));
    const items = [
      ...Array.from({ length: 200 }, () => ({ kind: 'Secret', metadata: { name: 'a' }, data })),
      { kind: 'BackupStorageLocation', spec: { provider: 'aws', objectStorage: { bucket: 'replica' } } },
    ];
    assert.equal((await read(t, JSON.stringify({ kind: 'List', items }))).location, 's3://replica');
  });

  it('may stand in the list that kubectl prints, among objects of others', async (t) => {
    const items = [secret, '\nkind: ConfigMap\n', plain].map((text) => text.trim().replace(/^/gm, '    '));
    const entries = items.map((item) => item.replace('    ', '  - ')).join('\n');
    const list = `apiVersion: v1\nkind: List\nitems:\n${entries}\n`;
    const described = await read(t, list, '?path=restic/web');
    assert.match(described.location, /^s3:\/\/replica\/velero\/restic\/web\?/);
    assert.equal(described.settings.s3?.credentials?.accessKeyId, 'AKID');
  });

  it('names the Secret and its key, and takes the profile that it names', async (t) => {
    const yaml = `${location(`provider: aws
credential: { name: other, key: keys }
objectStorage: { bucket: replica }
config: { profile: backup }`)}---
kind: Secret
metadata: { name: other, namespace: velero }
stringData:
  keys: |
    # two of them
    [default]
    aws_access_key_id = WRONG
    [backup]
    aws_access_key_id = RIGHT
    aws_secret_access_key = ${secretKey}
    aws_session_token = token
`;
    const { settings } = await read(t, yaml);
    assert.deepEqual(settings.s3?.credentials, {
      accessKeyId: 'RIGHT',
      secretAccessKey: secretKey,
      sessionToken: 'token',
    });
  });

  it('without its Secret leaves credentials to the environment, and says so', async (t) => {
    const { settings, warnings } = await read(
      t,
      location('provider: aws\ncredential: { name: gone, key: cloud }\nobjectStorage: { bucket: replica }'),
    );
    assert.equal(settings.s3?.credentials, undefined);
    assert.match(warnings[0] ?? '', /^the Secret gone is not in the file: .*store\.yaml:7\)$/);
  });

  it('takes a credentials file in place of the Secret', async (t) => {
    const { settings } = await read(t, `${plain}---${secret}`, '?credentials=/etc/cloud');
    assert.deepEqual(settings.s3, { profile: undefined, credentialsFile: '/etc/cloud' });
  });

  it('that is ReadOnly opens a store that refuses writes', async (t) => {
    const file = join(temporaryFolder(t), 'store.yaml');
    writeFileSync(file, plain.replace('spec:', 'spec:\n  accessMode: ReadOnly'));
    const warnings: string[] = [];
    const store = await openStore(`velero:${file}`, {
      logger: { ...silentLogger, warn: (warning) => void warnings.push(warning) },
    });
    await assert.rejects(store.put('config', Buffer.from('x')), { code: 'permission-denied' });
    const driver = await openDriver(`velero:${file}`);
    await assert.rejects(driver.put('config', Buffer.from('x'), {}), { code: 'permission-denied' });
    assert.match(
      warnings.join('\n'),
      /^spec\.accessMode is ReadOnly: nothing is written \(.*store\.yaml:6\)$/,
    );
    await driver.close();
    await store.close();
  });

  it('is one of several: the default one, or the one that is named', async (t) => {
    const other = plain.replace('name: default', 'name: second').replace('bucket: replica', 'bucket: second');
    const both = `${plain}---${other}`;
    assert.match(await refusal(t, both), /^several stores are described: .*\?name=NAME: default, second\)$/);
    assert.match((await read(t, both, '?name=second')).location, /^s3:\/\/second\//);
    const marked = `${plain}---${other.replace('spec:', 'spec:\n  default: true')}`;
    assert.match((await read(t, marked)).location, /^s3:\/\/second\//);
    assert.match(await refusal(t, both, '?name=third'), /^no store is called "third": /);
  });

  it('hands over tags and encryption, of several the one that the plug-in takes', async (t) => {
    const config = (lines: string) =>
      location(`provider: aws\nobjectStorage: { bucket: replica }\nconfig: { ${lines} }`);
    const settingsOf = async (lines: string) => (await read(t, config(lines))).settings.s3;
    const identity = { profile: undefined, credentialsFile: undefined };
    assert.deepEqual(await settingsOf('serverSideEncryption: AES256, tagging: "a=b&c=d%20e"'), {
      ...identity,
      serverSideEncryption: 'AES256',
      tags: { a: 'b', c: 'd e' },
    });
    const all = 'serverSideEncryption: AES256, customerKeyEncryptionFile: /key, kmsKeyId: alias/one';
    assert.deepEqual(await settingsOf(all), {
      ...identity,
      serverSideEncryption: 'aws:kms',
      kmsKeyId: 'alias/one',
    });
    assert.deepEqual(await settingsOf('customerKeyEncryptionFile: /key, serverSideEncryption: AES256'), {
      ...identity,
      customerKeyFile: '/key',
    });
    assert.equal((await settingsOf('insecureSkipTLSVerify: "true"'))?.insecureTls, true);
    assert.match(await refusal(t, config('tagging: "a=b&a=c"')), /tagging is no list of tags: store\.yaml:8/);
    assert.match(await refusal(t, config('serverSideEncryption: DES')), /must be AES256 or aws:kms/);
  });

  it('trusts the certificates that it or its Secret holds, whoever the provider is', async (t) => {
    const { certificate } = new Authority(temporaryFolder(t));
    const trust = (provider: string, storage: string) =>
      location(`provider: ${provider}
objectStorage: { bucket: replica, ${storage} }
config: { ${provider === 'azure' ? 'storageAccount: account' : ''} }`);
    const held = `caCert: ${encoded(certificate)}`;
    assert.equal((await read(t, trust('aws', held))).settings.s3?.caCertificates, certificate);
    assert.equal((await read(t, trust('gcp', held))).settings.gcs?.caCertificates, certificate);
    const referred = trust('azure', 'caCertRef: { name: trust, key: pem }');
    const trusted = `
kind: Secret
metadata: { name: trust, namespace: velero }
data: { pem: ${encoded(certificate)} }
`;
    const { settings } = await read(t, `${referred}---${trusted}`);
    assert.equal(settings.azureBlob?.caCertificates, certificate);
    assert.match(await refusal(t, referred), /caCertRef names the Secret trust, which is not in the file/);
    assert.match(await refusal(t, trust('aws', `caCert: ${encoded('none')}`)), /no certificate is in it/);
  });

  it('of Google and Azure takes the credentials of its Secret, and gives way to a file of the caller', async (t) => {
    const withText = (text: string) => secret.replace(encoded(ini), encoded(text));
    const gcp = location('provider: gcp\nobjectStorage: { bucket: replica }');
    const json = JSON.stringify({ type: 'service_account', private_key: secretKey });
    const google = await read(t, `${gcp}---${withText(json)}`);
    assert.deepEqual(google.settings, { gcs: { credentialsText: json } });
    const azure = location(`provider: azure
objectStorage: { bucket: container }
config: { storageAccount: account, storageAccountKeyEnvVar: AZURE_STORAGE_ACCOUNT_ACCESS_KEY,
  activeDirectoryAuthorityURI: login.example }`);
    const text = `AZURE_STORAGE_ACCOUNT_ACCESS_KEY=${secretKey}\n`;
    const { settings } = await read(t, `${azure}---${withText(text)}`);
    assert.deepEqual(settings, {
      azureBlob: { credentialsText: text, authorityHost: 'https://login.example' },
    });
    assert.equal(
      mergedSettings(settings, { azureBlob: { credentialsFile: '/own' } }).azureBlob?.credentialsText,
      undefined,
    );
    assert.match(
      await refusal(t, azure.replace('AZURE_STORAGE_ACCOUNT_ACCESS_KEY', 'OTHER')),
      /storageAccountKeyEnvVar is not supported yet.*AZURE_STORAGE_ACCOUNT_ACCESS_KEY/,
    );
  });

  it('of Google and Azure leads to their stores', async (t) => {
    const gcp = location('provider: gcp\nobjectStorage: { bucket: replica, prefix: velero }');
    assert.equal((await read(t, gcp)).location, 'gs://replica/velero');
    const azure = location(`provider: velero.io/azure
objectStorage: { bucket: container }
config: { storageAccount: account, resourceGroup: group, useAAD: "true", blockSizeInBytes: "1048576" }`);
    assert.equal((await read(t, azure)).location, 'azblob://account/container');
  });
});

describe('a MigStorage', () => {
  const storage = `
apiVersion: migration.openshift.io/v1alpha1
kind: MigStorage
metadata: { name: replica, namespace: openshift-migration }
spec:
  backupStorageProvider: aws
  volumeSnapshotProvider: aws
  volumeSnapshotConfig: { awsRegion: us-east-1 }
  backupStorageConfig:
    awsBucketName: replica
    awsS3Url: https://s3.example.com
    awsS3ForcePathStyle: true
    awsSignatureVersion: "4"
    credsSecretRef: { name: keys, namespace: openshift-config }
`;
  const keys = `
kind: Secret
metadata: { name: keys, namespace: openshift-config }
data:
  aws-access-key-id: ${encoded('AKID')}
  aws-secret-access-key: ${encoded(secretKey)}
`;

  it('opens what its Velero stores, below `velero`', async (t) => {
    const { location: found, settings } = await read(t, `${storage}---${keys}`);
    assert.equal(found, 's3://replica/velero?endpoint=https://s3.example.com&path-style=true');
    assert.equal(settings.s3?.credentials?.secretAccessKey, secretKey);
  });

  it('that is insecure takes any certificate, and is warned of where that changes nothing', async (t) => {
    const insecure = storage.replace('awsBucketName', 'insecure: true\n    awsBucketName');
    const { warnings } = await read(t, `${insecure.replace('https:', 'http:')}---${keys}`);
    assert.match(
      warnings[0] ?? '',
      /^spec\.backupStorageConfig\.insecure has no effect, .*store\.yaml:10\)$/,
    );
    const described = await read(t, `${insecure}---${keys}`);
    assert.equal(described.settings.s3?.insecureTls, true);
    assert.deepEqual(described.warnings, []);
  });

  it('without a bucket or with half a Secret says what is missing', async (t) => {
    const bucket = await refusal(t, storage.replace(/^.*awsBucketName.*\n/m, ''));
    assert.equal(bucket, 'spec.backupStorageConfig.awsBucketName is missing: store.yaml:9');
    const half = await refusal(t, `${storage}---${keys.replace(/^ {2}aws-secret.*\n/m, '')}`);
    assert.equal(half, 'data.aws-secret-access-key is missing: store.yaml:18');
  });
});

describe('a description that is wrong', () => {
  const cases: readonly (readonly [title: string, yaml: string, message: string])[] = [
    [
      'names the nearest key that is known',
      plain.replace('s3Url:', 's3URI:'),
      'spec.config.s3URI is no known key: store.yaml:10 (did you mean s3Url?)',
    ],
    [
      'has a key of the specification that nobody knows',
      plain.replace('provider:', 'bucket: b\n  provider:'),
      'spec.bucket is no known key: store.yaml:6 (did you mean config?)',
    ],
    [
      'has no bucket',
      location('provider: aws\nobjectStorage: { prefix: p }'),
      'spec.objectStorage.bucket is missing: store.yaml:7',
    ],
    [
      'has an unknown provider',
      location('provider: velero.io/alibabacloud\nobjectStorage: { bucket: b }'),
      'spec.provider names a provider that is not known: store.yaml:6 (use aws, gcp or azure)',
    ],
    [
      'has no text where text must be',
      plain.replace('"true"', 'true'),
      'spec.config.s3ForcePathStyle must be text: store.yaml:12 (put it in quotes)',
    ],
    [
      'has a flag that is none',
      plain.replace('"true"', '"yes"'),
      'spec.config.s3ForcePathStyle must be "true" or "false": store.yaml:12',
    ],
    [
      'has a URL that is none',
      plain.replace('http://minio.velero.svc:9000', 'minio.velero.svc'),
      'spec.config.s3Url is no URL: store.yaml:10 (write http://HOST:PORT or https://HOST)',
    ],
    [
      'has credentials in a URL',
      plain.replace('http://minio', `http://me:${secretKey}@minio`),
      'spec.config.s3Url must be a scheme, a host and a port: store.yaml:10 (write http://HOST:PORT or https://HOST)',
    ],
    [
      'has a prefix that no key can have',
      plain.replace('/velero/', 'a//b'),
      'spec.objectStorage.prefix is no prefix that object keys can have: store.yaml:7',
    ],
    [
      'has a mapping of another kind',
      location('provider: aws\nobjectStorage: bucket'),
      'spec.objectStorage must be a mapping: store.yaml:7',
    ],
    ['is no YAML', `${plain}\n  : [`, 'not valid YAML, BAD_INDENT: store.yaml:17'],
    ['describes no store', secret, 'no BackupStorageLocation and no MigStorage: store.yaml'],
    [
      'wants what there is no setting for',
      plain.replace('region: eu-west-1', 'customerKeyEncryptionSecret: key/name'),
      'spec.config.customerKeyEncryptionSecret is not supported yet: store.yaml:9 ' +
        '(store the key as a file and name that as customerKeyEncryptionFile)',
    ],
    [
      'has a Secret that is no base64',
      `${plain}---${secret.replace(encoded(ini), 'x?')}`,
      'data.cloud must be base64: store.yaml:21',
    ],
    [
      'has a Secret without the key',
      `${plain}---${secret.replace('cloud:', 'clouds:')}`,
      'data.cloud is missing: store.yaml:20',
    ],
    [
      'has a Secret without a field',
      `${plain}---${secret.replace(encoded(ini), encoded(ini.replace('aws_secret_access_key', 'key')))}`,
      'the profile "default" has no aws_secret_access_key: cloud of Secret cloud-credentials, store.yaml:16 ' +
        '(for roles and programs, store it as a file and name that with ?credentials=FILE)',
    ],
    [
      'has a Secret without the profile',
      `${plain.replace('region:', 'profile: other\n    region:')}---${secret}`,
      'the credentials have no profile "other": cloud of Secret cloud-credentials, store.yaml:17',
    ],
    [
      'has a key twice',
      plain.replace('  provider:', '  provider: velero.io/gcp\n  provider:'),
      'spec.provider stands there twice: store.yaml:7',
    ],
    [
      'has an alias',
      plain.replace('{ bucket: replica, prefix: /velero/ }', '{ bucket: &name replica, prefix: *name }'),
      'spec.objectStorage.prefix is an alias, which is not read: store.yaml:7 (write out what it stands for)',
    ],
    [
      'is nested deep in brackets',
      `${plain}---\na: ${'['.repeat(200)}${']'.repeat(200)}\n`,
      'the YAML is nested too deep: store.yaml:17',
    ],
    [
      'is nested deep in dashes of a line',
      `${plain}---\n${'- '.repeat(200)}a\n`,
      'the YAML is nested too deep: store.yaml:17',
    ],
    [
      'stands among very many documents',
      `${plain}${'---\na: 1\n'.repeat(1001)}`,
      'the YAML has too many documents: store.yaml',
    ],
    [
      'is larger than 4 MiB',
      `${plain}---\na: ${'x'.repeat(4 * 2 ** 20)}\n`,
      'the description is larger than 4 MiB: store.yaml (leave in it the store and its Secret only)',
    ],
    [
      'is of Azure and names no account',
      location('provider: azure\nobjectStorage: { bucket: b }\nconfig: { resourceGroup: g }'),
      'spec.config.storageAccount is missing: store.yaml:8',
    ],
  ];
  for (const [title, yaml, message] of cases) {
    it(title, async (t) => {
      assert.equal(await refusal(t, yaml), message);
    });
  }

  it('is nested deep in lines', async (t) => {
    const yaml = Array.from({ length: 2500 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n');
    assert.match(await refusal(t, yaml), /^not valid YAML, RESOURCE_EXHAUSTION: store\.yaml:\d+$/);
  });

  it('is told when it is not there', async () => {
    await assert.rejects(openStore('velero:nowhere.yaml'), {
      name: 'FileSystemError',
      message: /^cannot read the description of the store: nowhere\.yaml \(/,
    });
  });

  it('is told when the location is none', async () => {
    for (const wrong of [
      'velero:',
      'velero:?path=a',
      'velero:f?paths=a',
      'velero:f?path=a&path=b',
      'velero:f?path=..',
    ]) {
      await assert.rejects(openStore(wrong), UsageError);
    }
  });
});

describe('the keys of the plug-ins', () => {
  it('stand in the documentation, all of them', () => {
    const text = projectText('docs/providers.md');
    const keys = [awsConfigKeys, gcpConfigKeys, azureConfigKeys, migStorageKeys].flatMap((known) =>
      Object.keys(known),
    );
    const own = new Set(['bucket', 'prefix']);
    assert.deepEqual(
      keys.filter((key) => !own.has(key) && !text.includes(`\`${key}\``)),
      [],
    );
  });
});
