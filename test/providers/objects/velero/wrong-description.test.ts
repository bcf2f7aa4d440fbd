import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../../../../src/base/errors.ts';
import { openStore } from '../../../../src/providers/objects/open.ts';
import { encoded, ini, location, plain, refusal, secret, secretKey } from './descriptions.ts';

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
      'names a Secret with a customer’s key that is not there',
      plain.replace('region: eu-west-1', 'customerKeyEncryptionSecret: keys/name'),
      'spec.config.customerKeyEncryptionSecret names the Secret keys, which is not in the file: store.yaml:9',
    ],
    [
      'names a Secret with a customer’s key, and no key of it',
      plain.replace('region: eu-west-1', 'customerKeyEncryptionSecret: keys'),
      'spec.config.customerKeyEncryptionSecret names no Secret and its key: store.yaml:9 (write SECRET/KEY)',
    ],
    [
      'names a customer’s key of another length',
      `${plain.replace('region: eu-west-1', 'customerKeyEncryptionSecret: cloud-credentials/cloud')}---${secret}`,
      `spec.config.customerKeyEncryptionSecret names a key of ${ini.length} bytes, where it has 32: store.yaml:9`,
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
      `${plain}---\nSecret: ${'['.repeat(200)}${']'.repeat(200)}\n`,
      'the YAML is nested too deep: store.yaml:17',
    ],
    [
      'is nested deep in dashes of a line',
      `${plain}---\n${'- '.repeat(200)}Secret\n`,
      'the YAML is nested too deep: store.yaml:17',
    ],
    [
      'stands among very many documents',
      `${plain}${'---\na: Secret\n'.repeat(1001)}`,
      'the YAML has too many documents: store.yaml',
    ],
    [
      'has more values than are worth a wait',
      `${plain}---\nSecret: { ${'k: 1, '.repeat(200_000)} }\n`,
      'the YAML has too many values: store.yaml:17 (leave in it the store and its Secret only)',
    ],
    [
      'has more empty lines than are worth a wait',
      `${plain}---\nSecret: 1\n${'\n'.repeat(1_000_001)}`,
      'the YAML has too many lines: store.yaml:1000002 (leave in it the store and its Secret only)',
    ],
    [
      'is larger than 16 MiB',
      `${plain}---\na: ${'x'.repeat(16 * 2 ** 20)}\n`,
      'the description is larger than 16 MiB: store.yaml (leave in it the store and its Secret only)',
    ],
    ...(['customerKeyEncryptionFile: /key', 'customerKeyEncryptionSecret: keys/name'] as const).map(
      (other): [string, string, string] => {
        const [name = ''] = other.split(':');
        return [
          `names two keys to encrypt with, of which one is a ${name}`,
          plain.replace('region: eu-west-1', `${other}\n    kmsKeyId: alias/one`),
          `spec.config.${name} stands beside spec.config.kmsKeyId: store.yaml:9 (name one key to encrypt with)`,
        ];
      },
    ),
    [
      'is of Azure and has the address of another account',
      location(`provider: azure\nobjectStorage: { bucket: b }
config: { storageAccount: account, storageAccountURI: "https://host/other" }`),
      'spec.config.storageAccountURI has a path that does not end in the account: store.yaml:8 ' +
        '(write https://HOST, or http://HOST:PORT/ACCOUNT)',
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
    const yaml = Array.from({ length: 2500 }, (_, depth) => `${' '.repeat(depth)}Secret:`).join('\n');
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
