import { parentPort } from 'node:worker_threads';
import { packError } from '../../base/error-transport.ts';
import { PackBuffers } from './pack-buffers.ts';
import type { FromWorker, JobKind, JobMessage, ToWorker, WorkerSetup } from './protocol.ts';
import { WorkerJobs } from './worker-jobs.ts';

const port = parentPort;
if (port === null) throw new Error('this module runs in a worker thread only');

function send(message: FromWorker): void {
  port?.postMessage(message);
}

/** What the thread works with, from its first message on. */
interface Work {
  readonly jobs: WorkerJobs;
  readonly buffers: PackBuffers;
}

let work: Work | undefined;

function begin(setup: WorkerSetup): Work {
  const buffers = new PackBuffers(setup.packSizeBytes);
  return { buffers, jobs: new WorkerJobs(setup, buffers, send) };
}

async function run<K extends JobKind>(jobs: WorkerJobs, message: JobMessage<K>): Promise<void> {
  const { jobId } = message;
  try {
    send({ kind: 'done', jobId, response: await jobs.run(message.job, message.request) });
  } catch (error) {
    send({ kind: 'failed', jobId, error: packError(error) });
  }
}

// Jobs run one after the other (they share the window and the buffers), while buffers come back in between.
let previous: Promise<void> = Promise.resolve();
port.on('message', (message: ToWorker) => {
  if (message.kind === 'setup') {
    work = begin(message.setup);
    send({ kind: 'ready' });
  } else if (message.kind === 'close') {
    work?.jobs.close();
    port.close();
  } else if (work === undefined) throw new Error('a job came before the setup');
  else if (message.kind === 'buffer') work.buffers.giveBack(message.buffer);
  else {
    const { jobs } = work;
    previous = previous.then(() => run(jobs, message));
  }
});
