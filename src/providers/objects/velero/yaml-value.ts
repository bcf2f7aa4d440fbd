import { LineCounter, isAlias, isMap, isScalar, isSeq, parseAllDocuments } from 'yaml';
import { UsageError } from '../../../base/errors.ts';
import { checkYamlShape } from './yaml-shape.ts';

/** What Go's `strconv.ParseBool` takes, with which the plug-ins read flags. */
const YES: ReadonlySet<string> = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const NO: ReadonlySet<string> = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False', '']);

interface Source {
  readonly file: string;
  readonly lines: LineCounter;
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
  #pairs: ReadonlyMap<string, YamlValue> | undefined;

  /** Throws UsageError for an alias: objects of Kubernetes have none, and a few of them can stand for very much. */
  constructor(source: Source, path: string, node: unknown, offset: number) {
    this.#source = source;
    this.path = path;
    this.#node = isScalar(node) && node.value === null ? undefined : (node ?? undefined);
    this.#offset = offset;
    if (isAlias(node)) throw this.wrong('is an alias, which is not read', 'write out what it stands for');
  }

  get isPresent(): boolean {
    return this.#node !== undefined;
  }

  /** `FILE:LINE` */
  get place(): string {
    return `${this.#source.file}:${this.#source.lines.linePos(this.#offset).line}`;
  }

  member(name: string): YamlValue {
    return this.#named().get(name) ?? this.#below(name, undefined, this.#offset);
  }

  /** The members that are there, by name. */
  members(): (readonly [name: string, value: YamlValue])[] {
    return [...this.#named()];
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

  #below(name: string, node: unknown, offset: number): YamlValue {
    return new YamlValue(this.#source, this.path === '' ? name : `${this.path}.${name}`, node, offset);
  }

  #named(): ReadonlyMap<string, YamlValue> {
    this.#pairs ??= this.#readPairs();
    return this.#pairs;
  }

  #readPairs(): ReadonlyMap<string, YamlValue> {
    const node = this.#node;
    const pairs = new Map<string, YamlValue>();
    if (node === undefined) return pairs;
    if (!isMap(node)) throw this.wrong('must be a mapping');
    for (const { key, value } of node.items) {
      if (!isScalar(key) || typeof key.value !== 'string') throw this.wrong('has a key that is no text');
      const member = this.#below(key.value, value, offsetOf(key) ?? this.#offset);
      if (pairs.has(key.value)) throw member.wrong('stands there twice');
      pairs.set(key.value, member);
    }
    return pairs;
  }
}

/** The documents of a file; those that are empty are left out. Throws UsageError with file and line. */
export function parseYaml(text: string, file: string): YamlValue[] {
  checkYamlShape(text, file);
  const lines = new LineCounter();
  // Whether keys are unique is looked at where they are read: the parser compares each with all others.
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      // Its message may quote what stands there.
      const where = `${file}:${lines.linePos(error.pos[0]).line}`;
      throw new UsageError(`not valid YAML, ${error.code}`, { where });
    }
    const value = new YamlValue({ file, lines }, '', document.contents, document.range?.[0] ?? 0);
    return value.isPresent ? [value] : [];
  });
}

function offsetOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;
}
