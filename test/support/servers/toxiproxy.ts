import { freePort } from './free-port.ts';
import { answersHttp, ServerProcess } from './server-process.ts';

const startTimeoutMs = 30_000;

/**
 * What goes wrong, by toxiproxy's names: `latency` {latency, jitter} ms, `bandwidth` {rate} KB/s, `slow_close` {delay}
 * ms, `timeout` {timeout} ms (0: holds all data back for ever), `reset_peer` {timeout} ms, `slicer` {average_size,
 * size_variation, delay}, `limit_data` {bytes}: closes after so many.
 */
export type ToxicType =
  'latency' | 'bandwidth' | 'slow_close' | 'timeout' | 'reset_peer' | 'slicer' | 'limit_data';

export interface ToxicOptions {
  /** `upstream`: what the client sends; `downstream`: what it gets. Default: downstream. */
  readonly stream?: 'upstream' | 'downstream';
  /** Probability, 0 to 1, that a connection gets it. Default: 1. */
  readonly toxicity?: number;
}

/** A proxy before one server. Toxics also hit connections that are open already. */
export interface Proxy {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** Gives the toxic's name. */
  addToxic(
    type: ToxicType,
    attributes: Readonly<Record<string, number>>,
    options?: ToxicOptions,
  ): Promise<string>;
  removeToxic(name: string): Promise<void>;
  /** False refuses new connections and closes the open ones. */
  setEnabled(enabled: boolean): Promise<void>;
}

/** A running toxiproxy. */
export class Toxiproxy {
  readonly #process: ServerProcess;
  readonly #api: string;
  #names = 0;

  private constructor(process: ServerProcess, api: string) {
    this.#process = process;
    this.#api = api;
  }

  static async start(binary: string): Promise<Toxiproxy> {
    const port = await freePort();
    const args = ['-host', '127.0.0.1', '-port', String(port)];
    const process = ServerProcess.start('toxiproxy', binary, args, { LOG_LEVEL: 'warn' });
    const api = `http://127.0.0.1:${port}`;
    try {
      await process.waitUntil((signal) => answersHttp(`${api}/version`, signal), startTimeoutMs);
    } catch (error) {
      await process.stop();
      throw error;
    }
    return new Toxiproxy(process, api);
  }

  /** A proxy on a free port before the server at `upstreamEndpoint`, a URL; gone when toxiproxy stops. */
  async proxy(upstreamEndpoint: string): Promise<Proxy> {
    const name = this.#nextName('proxy');
    const request = { name, listen: '127.0.0.1:0', upstream: new URL(upstreamEndpoint).host, enabled: true };
    const made: unknown = JSON.parse(await this.#call('POST', '/proxies', request));
    if (typeof made !== 'object' || made === null || !('listen' in made)) {
      throw new Error(`toxiproxy names no address of a new proxy: ${JSON.stringify(made)}`);
    }
    const path = `/proxies/${name}`;
    return {
      endpoint: `http://${String(made.listen)}`,
      addToxic: async (type, attributes, { stream = 'downstream', toxicity = 1 } = {}) => {
        const toxic = this.#nextName(type);
        await this.#call('POST', `${path}/toxics`, { name: toxic, type, stream, toxicity, attributes });
        return toxic;
      },
      removeToxic: async (toxic) => {
        await this.#call('DELETE', `${path}/toxics/${toxic}`);
      },
      setEnabled: async (enabled) => {
        await this.#call('POST', path, { enabled });
      },
    };
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }

  #nextName(kind: string): string {
    this.#names += 1;
    return `${kind}-${this.#names}`;
  }

  async #call(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<string> {
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(this.#api + path, { method, ...content });
    const text = await response.text();
    if (!response.ok) throw new Error(`toxiproxy: ${method} ${path}: ${response.status} ${text}`);
    return text;
  }
}
