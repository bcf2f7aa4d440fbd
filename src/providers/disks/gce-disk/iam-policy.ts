import { arrayOf, field, objectOf, textOf } from '../../google/json-value.ts';

/** Who may do what, as Google's services answer it; all of it goes back when it is changed. */
export interface IamPolicy {
  readonly version: number;
  readonly etag: string;
  readonly bindings: readonly IamBinding[];
  readonly auditConfigs: readonly object[];
}

export interface IamBinding {
  readonly role: string;
  readonly members: readonly string[];
  readonly condition?: object | undefined;
}

/** Conditions are answered, and may be kept, only by whoever asks for this version. */
export const POLICY_VERSION = 3;

export function policyOf(answer: unknown): IamPolicy {
  return {
    version: POLICY_VERSION,
    etag: textOf(field(answer, 'etag')),
    bindings: arrayOf(field(answer, 'bindings')).map((binding) => {
      const condition = field(binding, 'condition');
      return {
        role: textOf(field(binding, 'role')),
        members: arrayOf(field(binding, 'members')).map(textOf),
        ...(condition === undefined || condition === null ? {} : { condition: objectOf(condition) }),
      };
    }),
    auditConfigs: arrayOf(field(answer, 'auditConfigs')).map(objectOf),
  };
}

/** The policy with the member in the role; undefined where it has it already, without a condition. */
export function withMember(policy: IamPolicy, role: string, member: string): IamPolicy | undefined {
  const of = (binding: IamBinding): boolean => binding.role === role && binding.condition === undefined;
  if (policy.bindings.some((binding) => of(binding) && binding.members.includes(member))) return undefined;
  const first = policy.bindings.find(of);
  const others = policy.bindings.filter((binding) => binding !== first);
  return { ...policy, bindings: [...others, { role, members: [...(first?.members ?? []), member] }] };
}

/** The policy without the member in the role; undefined where it does not have it. */
export function withoutMember(policy: IamPolicy, role: string, member: string): IamPolicy | undefined {
  const has = ({ members, condition, ...binding }: IamBinding): boolean =>
    binding.role === role && condition === undefined && members.includes(member);
  if (!policy.bindings.some(has)) return undefined;
  const bindings = policy.bindings.map((binding) =>
    has(binding) ? { ...binding, members: binding.members.filter((name) => name !== member) } : binding,
  );
  return { ...policy, bindings: bindings.filter(({ members }) => members.length > 0) };
}
