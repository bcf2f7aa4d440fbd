import type { YamlValue } from './yaml-value.ts';

/** The Secrets of a file. */
export class Secrets {
  readonly #secrets: readonly YamlValue[];

  constructor(objects: readonly YamlValue[]) {
    this.#secrets = objects.filter((object) => object.member('kind').text() === 'Secret');
  }

  /** By name and, where both are known, namespace. */
  find(name: string, namespace: string | undefined): Secret | undefined {
    const found = this.#secrets.find((secret) => {
      const metadata = secret.member('metadata');
      const own = metadata.member('namespace').text();
      const isThere = namespace === undefined || own === undefined || own === namespace;
      return isThere && metadata.member('name').text() === name;
    });
    return found === undefined ? undefined : new Secret(found);
  }
}

/** A Secret of Kubernetes. What it holds goes into no message. */
class Secret {
  readonly #value: YamlValue;

  constructor(value: YamlValue) {
    this.#value = value;
  }

  /** The bytes under a key, from `data` or `stringData`; throws UsageError where it is missing. */
  bytes(key: string): Buffer {
    const plain = this.#value.member('stringData').member(key);
    if (plain.isPresent) return Buffer.from(plain.requiredText());
    const encoded = this.#value.member('data').member(key);
    encoded.requiredText();
    return encoded.base64() ?? Buffer.alloc(0);
  }

  /** For messages: name and place. */
  placeOf(key: string): string {
    const name = this.#value.member('metadata').member('name').text() ?? '';
    return `${key} of Secret ${name}, ${this.#value.place}`;
  }
}

export type { Secret };
