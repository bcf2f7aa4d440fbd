/** Entry of the thread that refreshes a lock: see LockKeeperThread, which starts it. */
import { parentPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { packError } from '../base/error-transport.ts';
import type { TransportedError } from '../base/error-transport.ts';
import { systemClock } from '../base/system-clock.ts';
import { openStore } from '../providers/objects/open.ts';
import type { StoreSettings } from '../providers/objects/settings.ts';
import { createCompressor } from './compression/open-compressor.ts';
import type { MasterKey } from './crypto/cipher.ts';
import { createCipher } from './crypto/open-cipher.ts';
import type { RepositoryVersion } from './format/config.ts';
import type { LockFile } from './format/lock-file.ts';
import { LockFolder } from './lock-folder.ts';
import { LockKeeper } from './lock-keeper.ts';
import type { LockState } from './lock-keeper.ts';

/** What the thread is given. */
export interface LockKeeperWorkerData {
  readonly url: string;
  readonly settings: StoreSettings;
  readonly masterKey: MasterKey;
  readonly version: RepositoryVersion;
  readonly lock: LockFile;
  readonly state: LockState;
}

export type LockKeeperRequest = 'confirm' | 'pause';

export type LockKeeperReport =
  | { readonly kind: 'writing'; readonly id: string }
  | { readonly kind: 'confirmed'; readonly state: LockState }
  | { readonly kind: 'lost'; readonly error: TransportedError }
  /** Answers `confirm` where nothing had to be written. */
  | { readonly kind: 'held' }
  /** Answers `pause`; the thread then ends. */
  | { readonly kind: 'paused' };

async function keepLock(port: MessagePort, data: LockKeeperWorkerData): Promise<void> {
  const report = (message: LockKeeperReport): void => port.postMessage(message);
  const store = await openStore(data.url, { settings: data.settings });
  const cipher = createCipher(data.masterKey);
  const compressor = createCompressor();
  const folder = new LockFolder({ store, cipher, compressor, version: data.version });
  if (!(await folder.exists(data.state.id))) throw new Error('the store at this URL does not hold the lock');
  const keeper = new LockKeeper({
    folder,
    lock: data.lock,
    state: data.state,
    clock: systemClock,
    onWrite: (id) => report({ kind: 'writing', id }),
    onConfirmed: (state) => report({ kind: 'confirmed', state }),
    onLost: (error) => report({ kind: 'lost', error: packError(error) }),
  });
  const end = async (): Promise<void> => {
    await keeper.pause();
    await store.close();
    cipher.close();
    compressor.close();
    report({ kind: 'paused' });
    port.close();
  };
  port.on('message', (request: LockKeeperRequest) => {
    if (request === 'pause') void end();
    // A rejection means that the lock is lost, which was reported.
    else
      void keeper.confirm().then(
        () => report({ kind: 'held' }),
        () => undefined,
      );
  });
  keeper.start();
}

if (parentPort !== null) {
  // oxlint-disable-next-line typescript/no-unsafe-assignment -- Node types what a thread is given as any
  const data: LockKeeperWorkerData = workerData;
  await keepLock(parentPort, data);
}
