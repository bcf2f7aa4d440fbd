import { nearestWord } from '../../../base/nearest-word.ts';
import type { YamlValue } from './yaml-value.ts';

/** What becomes here of a key of Velero's. */
export type KeyMeaning<Draft> =
  /** Is taken over. */
  | { readonly kind: 'taken'; readonly take: (value: YamlValue, draft: Draft) => void }
  /** Says nothing to a program that moves files: accepted, whatever it says. */
  | { readonly kind: 'meaningless' }
  /** Would change what is stored or who is believed, for which there is no setting: refused where it asks for that. */
  | { readonly kind: 'unsupported'; readonly asks: (value: YamlValue) => boolean; readonly advice: string };

export type KnownKeys<Draft> = Readonly<Record<string, KeyMeaning<Draft>>>;

export const meaningless = { kind: 'meaningless' } as const;

export function taken<Draft>(take: (value: YamlValue, draft: Draft) => void): KeyMeaning<Draft> {
  return { kind: 'taken', take };
}

/** Takes all members over. Throws UsageError for an unknown one, which names the nearest that is known. */
export function takeKeys<Draft>(value: YamlValue, known: KnownKeys<Draft>, draft: Draft): void {
  for (const [name, member] of value.members()) {
    const meaning = Object.hasOwn(known, name) ? known[name] : undefined;
    if (meaning === undefined) throw unknownKey(member, name, Object.keys(known));
    if (meaning.kind === 'taken') meaning.take(member, draft);
    if (meaning.kind === 'unsupported' && meaning.asks(member)) {
      throw member.wrong('is not supported yet', meaning.advice);
    }
  }
}

function unknownKey(member: YamlValue, name: string, known: readonly string[]) {
  const nearest = nearestWord(name, known);
  return member.wrong('is no known key', nearest === undefined ? undefined : `did you mean ${nearest}?`);
}
