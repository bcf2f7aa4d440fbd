import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { silentLogger } from '../../../../src/base/logger.ts';
import { parseCertificates } from '../../../../src/providers/objects/certificates.ts';
import { parseAzureBlobLocation } from '../../../../src/providers/objects/azure-blob/location.ts';
import { openDriver, openStore } from '../../../../src/providers/objects/open.ts';
import { awsConfigKeys } from '../../../../src/providers/objects/velero/aws.ts';
import { azureConfigKeys } from '../../../../src/providers/objects/velero/azure.ts';
import { gcpConfigKeys } from '../../../../src/providers/objects/velero/gcp.ts';
import { migStorageKeys } from '../../../../src/providers/objects/velero/mig-storage.ts';
import { mergedSettings } from '../../../../src/providers/objects/merged-settings.ts';
import { projectText } from '../../../support/project-files.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { Authority } from '../../../support/tls/certificates.ts';
import { encoded, ini, location, plain, read, refusal, secret, secretKey } from './descriptions.ts';

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
    const many = Array.from({ length: 50_000 }, (_, index) => `Secret${index}: Secret`).join('\n');
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

  it('may stand in all that a cluster prints, and is told by its line', async (t) => {
    const pod = (index: number): string => `- apiVersion: v1
  kind: Pod
  metadata:
    name: pod-${index}
    managedFields:
${'    - { fieldsV1: { "f:spec": { "f:containers": {} } } }\n'.repeat(60)}
# kept apart by a comment
  spec: |
    - no item
`;
    const pods = Array.from({ length: 3000 }, (_, index) => pod(index)).join('');
    const item = plain.trim().replace(/^/gm, '  ').replace('  ', '- ');
    const text = `apiVersion: v1\nitems:\n${pods}${item}\n${pods.slice(0, pods.indexOf('- apiVersion', 100_000))}
- kind: Pod
kind: List
metadata: { resourceVersion: "" }
`;
    assert.ok(text.length > 10 * 2 ** 20);
    assert.match((await read(t, text)).location, /^s3:\/\/replica\//);
    const line = text.slice(0, text.indexOf('s3Url')).split('\n').length;
    const wrong = await refusal(t, text.replace('s3Url:', 's3URI:'));
    assert.equal(
      wrong,
      `items[3000].spec.config.s3URI is no known key: store.yaml:${line} (did you mean s3Url?)`,
    );
  });

  it('may stand among any number of documents of others, which change nothing in it', async (t) => {
    const others = '---\nkind: Pod\n'.repeat(2000);
    const key = `\nkind: Secret\nmetadata: { name: cloud-credentials, namespace: velero }\nstringData:\n  cloud: |+\n`;
    const held = `${key}${ini.replace(/^(?=.)/gm, '    ').replace('\n', '\n\n')}`;
    const text = `${others}---${plain}---${held}${others}`;
    const { settings } = await read(t, text);
    assert.equal(settings.s3?.credentials?.accessKeyId, 'AKID');
    const gcp = location('provider: gcp\nobjectStorage: { bucket: replica }');
    const google = await read(t, `${gcp}---${held}${others}`);
    assert.equal(google.settings.gcs?.credentialsText, ini.replace('\n', '\n\n'));
    const line = text.slice(0, text.indexOf('s3Url')).split('\n').length;
    assert.ok((await refusal(t, text.replace('s3Url:', 's3URI:'))).includes(`store.yaml:${line} `));
  });

  it('may stand among texts that hold separators of lines and paragraphs', async (t) => {
    const text = '"a\u2028--- b\u2029- kind: c\u2028kind: d"';
    const list = `apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  note: ${text}\n${plain
      .trim()
      .replace(/^/gm, '  ')
      .replace('  ', '- ')
      .replace('status:', `note: ${text}\n  status:`)}\n`;
    for (const yaml of [
      `---\nkind: Pod\nnote: ${text}\n---${plain}`,
      `---${plain}note: ${text}\n`,
      `${list}---\nkind: Pod\nnote: ${text}\n`,
    ]) {
      assert.match((await read(t, yaml)).location, /^s3:\/\/replica\//);
    }
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

  it('hands over tags and encryption, a key before the kind, as the plug-in has it', async (t) => {
    const config = (lines: string) =>
      location(`provider: aws\nobjectStorage: { bucket: replica }\nconfig: { ${lines} }`);
    const settingsOf = async (lines: string) => (await read(t, config(lines))).settings.s3;
    const identity = { profile: undefined, credentialsFile: undefined };
    assert.deepEqual(await settingsOf('serverSideEncryption: AES256, tagging: "a=b&c=d%20e"'), {
      ...identity,
      serverSideEncryption: 'AES256',
      tags: { a: 'b', c: 'd e' },
    });
    const all = 'serverSideEncryption: AES256, kmsKeyId: alias/one';
    assert.deepEqual(await settingsOf(all), {
      ...identity,
      serverSideEncryption: 'aws:kms',
      kmsKeyId: 'alias/one',
    });
    assert.deepEqual(await settingsOf('customerKeyEncryptionFile: /key, serverSideEncryption: AES256'), {
      ...identity,
      customerKeyFile: '/key',
    });
    const key = Buffer.alloc(32, 0xee);
    const held = `${config('customerKeyEncryptionSecret: keys/sse-c, serverSideEncryption: AES256')}---
kind: Secret
metadata: { name: keys, namespace: velero }
data: { sse-c: ${key.toString('base64')} }
`;
    const { s3 } = (await read(t, held)).settings;
    assert.deepEqual(s3, { ...identity, customerKey: key });
    const given = mergedSettings({ s3 }, { s3: { customerKeyFile: '/own' } });
    assert.equal(given.s3?.customerKey, undefined, 'it goes before the file that the caller names');
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

  it('trusts its own certificates also where the environment names others', async (t) => {
    const [own, others] = [new Authority(temporaryFolder(t)), new Authority(temporaryFolder(t))];
    const yaml = location(`provider: aws
objectStorage: { bucket: replica, caCert: ${encoded(own.certificate)} }`);
    const { settings } = await read(t, yaml);
    const { s3, gcs } = mergedSettings(settings, { s3: { caCertificates: others.certificate } });
    const trusted = parseCertificates(s3?.caCertificates ?? '', 'here');
    assert.deepEqual(
      trusted,
      [own.certificate, others.certificate].map((pem) => pem.trim()),
    );
    assert.equal(gcs?.caCertificates, own.certificate);
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
    const kmsKeyName = 'projects/p/locations/l/keyRings/r/cryptoKeys/k';
    const { settings } = await read(
      t,
      gcp.replace(
        'status:',
        `  config: { kmsKeyName: ${kmsKeyName}, universeDomain: cloud.example, serviceAccount: a@b }\nstatus:`,
      ),
    );
    assert.deepEqual(settings, { gcs: { kmsKeyName, universeDomain: 'cloud.example' } });
    const azure = location(`provider: velero.io/azure
objectStorage: { bucket: container }
config: { storageAccount: account, resourceGroup: group, useAAD: "true", blockSizeInBytes: "1048576" }`);
    assert.equal((await read(t, azure)).location, 'azblob://account/container');
    const uri = (path: string) =>
      azure.replace('resourceGroup: group', `storageAccountURI: "http://host:1/${path}"`);
    assert.equal(
      (await read(t, uri('account'))).location,
      'azblob://account/container?endpoint=http://host:1/account',
    );
    const { location: odd } = await read(t, uri('a&b=c+%25/account'));
    assert.deepEqual(parseAzureBlobLocation(odd.replace('azblob:', '')), {
      kind: 'azure-blob',
      account: 'account',
      container: 'container',
      prefix: '',
      endpoint: 'http://host:1/a&b=c+%25/account',
    });
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
