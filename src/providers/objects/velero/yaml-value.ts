import { LineCounter, isAlias, isMap, isScalar, isSeq, parseAllDocuments } from 'yaml';
import type { Document } from 'yaml';
import { UsageError } from '../../../base/errors.ts';

/** What Go's `strconv.ParseBool` takes, with which the plug-ins read flags. */
const YES: ReadonlySet<string> = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const NO: ReadonlySet<string> = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False', '']);

interface Source {
  readonly file: string;
  readonly lines: LineCounter;
  readonly document: Document;
}

/**
 * A value of a YAML file, there or not, that knows where it stands. What is wrong with it is told as its path, the file
 * and the line; never its text, which may be a secret.
 */
export class YamlValue {
  /** `spec.config.region`; empty for the document. */
  readonly path: string;
  readonly #source: Source;
  readonly #node: unknown;
  /** Where it stands, or would. */
  readonly #offset: number;

  constructor(source: Source, path: string, node: unknown, offset: number) {
    const resolved = isAlias(node) ? node.resolve(source.document) : node;
    this.#source = source;
    this.path = path;
    this.#node = isScalar(resolved) && resolved.value === null ? undefined : (resolved ?? undefined);
    this.#offset = offset;
  }

  get isPresent(): boolean {
    return this.#node !== undefined;
  }

  /** `FILE:LINE` */
  get place(): string {
    return `${this.#source.file}:${this.#source.lines.linePos(this.#offset).line}`;
  }

  member(name: string): YamlValue {
    const path = this.path === '' ? name : `${this.path}.${name}`;
    const pair = this.#pairs().find(({ key }) => key === name);
    return new YamlValue(this.#source, path, pair?.value, pair?.offset ?? this.#offset);
  }

  /** The members that are there, by name. */
  members(): (readonly [name: string, value: YamlValue])[] {
    return this.#pairs().map(({ key }) => [key, this.member(key)] as const);
  }

  items(): YamlValue[] {
    if (this.#node === undefined) return [];
    if (!isSeq(this.#node)) throw this.wrong('must be a list');
    return this.#node.items.map((item, index) => {
      const path = `${this.path}[${index}]`;
      return new YamlValue(this.#source, path, item, offsetOf(item) ?? this.#offset);
    });
  }

  /** Undefined where nothing stands; UsageError for anything but text. */
  text(): string | undefined {
    if (this.#node === undefined) return undefined;
    if (isScalar(this.#node) && typeof this.#node.value === 'string') return this.#node.value;
    throw this.wrong('must be text', 'put it in quotes');
  }

  requiredText(): string {
    const text = this.text();
    if (text === undefined || text === '') throw this.wrong('is missing');
    return text;
  }

  /** A boolean of YAML. */
  flag(): boolean | undefined {
    if (this.#node === undefined) return undefined;
    if (isScalar(this.#node) && typeof this.#node.value === 'boolean') return this.#node.value;
    throw this.wrong('must be true or false, without quotes');
  }

  /** A flag within text, as the values of a `config` are. */
  textFlag(): boolean | undefined {
    const text = this.text();
    if (text === undefined) return undefined;
    if (YES.has(text)) return true;
    if (NO.has(text)) return false;
    throw this.wrong('must be "true" or "false"');
  }

  /** Bytes as Kubernetes writes them; undefined where nothing stands. */
  base64(): Buffer | undefined {
    const text = this.text()?.replace(/\s/g, '');
    if (text === undefined) return undefined;
    if (text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)) return Buffer.from(text, 'base64');
    throw this.wrong('must be base64');
  }

  wrong(what: string, advice?: string): UsageError {
    const details = { where: this.place, ...(advice === undefined ? {} : { advice }) };
    return new UsageError(`${this.path === '' ? 'the document' : this.path} ${what}`, details);
  }

  #pairs(): { readonly key: string; readonly value: unknown; readonly offset: number }[] {
    const node = this.#node;
    if (node === undefined) return [];
    if (!isMap(node)) throw this.wrong('must be a mapping');
    return node.items.map((pair) => {
      if (!isScalar(pair.key) || typeof pair.key.value !== 'string') {
        throw this.wrong('has a key that is no text');
      }
      return { key: pair.key.value, value: pair.value, offset: offsetOf(pair.key) ?? this.#offset };
    });
  }
}

/** The documents of a file; those that are empty are left out. Throws UsageError with file and line. */
export function parseYaml(text: string, file: string): YamlValue[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      // Its message may quote what stands there.
      const where = `${file}:${lines.linePos(error.pos[0]).line}`;
      throw new UsageError(`not valid YAML, ${error.code}`, { where });
    }
    const value = new YamlValue({ file, lines, document }, '', document.contents, document.range?.[0] ?? 0);
    return value.isPresent ? [value] : [];
  });
}

function offsetOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;
}
