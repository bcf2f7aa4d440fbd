/** A Ceph cluster of one monitor and one disk (a sparse file), with its object gateway. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { globSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { removeTree } from '../temporary-folder.ts';
import { freePort } from '../servers/free-port.ts';
import type { S3Server } from './s3-server.ts';
import { answersHttp, ServerProcess } from '../servers/server-process.ts';

/** The one key of the key service. */
export const cephKmsKeyId = 'test-key';

const startTimeoutMs = 60_000;
const runProgram = promisify(execFile);

interface Cluster {
  /** The peer's executable: runs the program named by its first argument. */
  readonly binary: string;
  readonly folder: string;
  readonly id: string;
  /** ADDRESS:PORT */
  readonly monitor: string;
}

function configuration({ binary, folder, id, monitor }: Cluster): string {
  const libraries = globSync('root/usr/lib/*-linux-gnu', { cwd: dirname(binary) })[0] ?? '';
  const plugins = join(dirname(binary), libraries);
  const settings: Readonly<Record<string, string | number | boolean>> = {
    fsid: id,
    mon_host: `[v2:${monitor}]`,
    ms_bind_msgr1: false,
    public_addr: '127.0.0.1',
    cluster_addr: '127.0.0.1',
    keyring: join(folder, 'keyring'),
    run_dir: folder,
    admin_socket: '',
    pid_file: '',
    crash_dir: folder,
    log_file: '',
    log_to_stderr: true,
    err_to_stderr: true,
    mon_cluster_log_to_file: false,
    plugin_dir: join(plugins, 'ceph'),
    erasure_code_dir: join(plugins, 'ceph', 'erasure-code'),
    osd_class_dir: join(plugins, 'rados-classes'),
    // One copy of all, on one disk.
    mon_allow_pool_size_one: true,
    osd_pool_default_size: 1,
    osd_pool_default_min_size: 1,
    osd_pool_default_pg_num: 1,
    osd_pool_default_pgp_num: 1,
    osd_pool_default_pg_autoscale_mode: 'off',
    osd_crush_chooseleaf_type: 0,
    mon_max_pg_per_osd: 1000,
    // A start of seconds: each of the gateway's pools waits for decisions of the monitor.
    paxos_propose_interval: 0.02,
    paxos_min_wait: 0.01,
    mon_tick_interval: 1,
    mon_data: join(folder, 'monitor'),
    mon_data_avail_crit: 1,
    mon_data_avail_warn: 1,
    osd_data: join(folder, 'disk'),
    osd_objectstore: 'bluestore',
    bluestore_block_size: 64 * 2 ** 30,
    bluestore_cache_autotune: false,
    bluestore_cache_size: 64 * 2 ** 20,
    rgw_data: join(folder, 'gateway'),
    // Encryption with keys of the client's and of a key service, which is this very line.
    rgw_crypt_require_ssl: false,
    rgw_crypt_s3_kms_backend: 'testing',
    rgw_crypt_s3_kms_encryption_keys: `${cephKmsKeyId}=${Buffer.alloc(32, 7).toString('base64')}`,
    rgw_thread_pool_size: 64,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  return `[global]\n${lines.join('\n')}\n`;
}

class CephCluster {
  readonly #cluster: Cluster;
  readonly #configuration: string;
  readonly #processes: ServerProcess[] = [];

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#configuration = join(cluster.folder, 'ceph.conf');
    writeFileSync(this.#configuration, configuration(cluster));
    for (const name of ['monitor', 'disk']) mkdirSync(join(cluster.folder, name));
  }

  get processIds(): number[] {
    return this.#processes.map((process) => process.processId);
  }

  /** Runs a tool to its end. */
  async run(program: string, ...args: readonly string[]): Promise<void> {
    const options = { timeout: startTimeoutMs, killSignal: 'SIGKILL', maxBuffer: 2 ** 24 } as const;
    await runProgram(this.#cluster.binary, [program, ...args, ...this.#common(program)], options);
  }

  /** What its daemons have printed last: a tool that waits in vain does not know why. */
  get lastLines(): string {
    return this.#processes.map((process) => `${process.name}:\n${process.lastLines}`).join('\n');
  }

  start(program: string, ...args: readonly string[]): ServerProcess {
    const all = [program, ...args, '-f', ...this.#common(program)];
    const process = ServerProcess.start(program, this.#cluster.binary, all);
    this.#processes.push(process);
    return process;
  }

  /** The gateway first: it would wait for a disk that is gone. The disk need not write back what is removed anyway. */
  async stop(): Promise<void> {
    for (const process of this.#processes.toReversed()) await process.stop();
    removeTree(this.#cluster.folder);
  }

  #common(program: string): string[] {
    if (program === 'ceph-authtool' || program === 'monmaptool') return [];
    return ['-c', this.#configuration, ...(program === 'ceph-mon' ? [] : ['--no-mon-config'])];
  }
}

/** One file with the keys of all: the monitor takes them over when it makes its store. */
async function makeKeys(ceph: CephCluster, keyring: string): Promise<void> {
  const keys = [
    ['mon.', '--cap', 'mon', 'allow *'],
    ['client.admin', '--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *'],
    ['osd.0', '--cap', 'mon', 'allow profile osd', '--cap', 'osd', 'allow *'],
  ] as const;
  await ceph.run('ceph-authtool', '--create-keyring', keyring);
  for (const [name, ...caps] of keys) {
    await ceph.run('ceph-authtool', keyring, '--gen-key', '-n', name, ...caps);
  }
}

async function startCluster(ceph: CephCluster, { folder, id, monitor }: Cluster): Promise<void> {
  const [keyring, monitors, disks] = [
    join(folder, 'keyring'),
    join(folder, 'monitors'),
    join(folder, 'disks'),
  ];
  await makeKeys(ceph, keyring);
  await ceph.run('monmaptool', '--create', '--fsid', id, '--addv', 'a', `[v2:${monitor}]`, monitors);
  await ceph.run('osdmaptool', '--createsimple', '1', '--with-default-pool', disks);
  await ceph.run(
    'ceph-mon',
    '-i',
    'a',
    '--mkfs',
    '--keyring',
    keyring,
    '--monmap',
    monitors,
    '--osdmap',
    disks,
  );
  ceph.start('ceph-mon', '-i', 'a');
  await ceph.run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', randomUUID());
  ceph.start('ceph-osd', '-i', '0');
}

/** Starts the gateway of a new cluster; `binary` is the peer `ceph`. Takes about 8 s. */
export async function startCeph(binary: string): Promise<S3Server> {
  const folder = mkdtempSync(join(tmpdir(), 'tranship-ceph-'));
  const cluster = { binary, folder, id: randomUUID(), monitor: `127.0.0.1:${await freePort()}` };
  const ceph = new CephCluster(cluster);
  const account = { accessKeyId: 'cephTestKey', secretAccessKey: 'cephTestSecret', region: 'us-east-1' };
  const address = `127.0.0.1:${await freePort()}`;
  try {
    await startCluster(ceph, cluster);
    // Waits by itself until the disk is up.
    const keys = ['--access-key', account.accessKeyId, '--secret-key', account.secretAccessKey];
    await ceph.run('radosgw-admin', 'user', 'create', '--uid=test', '--display-name=test', ...keys);
    const gateway = ceph.start('radosgw', `--rgw_frontends=beast endpoint=${address} tcp_nodelay=1`);
    await gateway.waitUntil((signal) => answersHttp(`http://${address}`, signal), startTimeoutMs);
  } catch (error) {
    await ceph.stop();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Ceph does not start: ${reason}\n${ceph.lastLines}`, { cause: error });
  }
  const { processIds } = ceph;
  return { name: 'ceph', endpoint: `http://${address}`, ...account, processIds, stop: () => ceph.stop() };
}
