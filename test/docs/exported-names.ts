import { posix } from 'node:path';
import { projectText } from '../support/project-files.ts';

/** A name that `src/index.ts` exports, and the docstring above its declaration. */
export interface ExportedName {
  readonly name: string;
  readonly isType: boolean;
  /** The file that declares it, from the project's root. */
  readonly path: string;
  /** Without comment marks; undefined where there is none. */
  readonly docstring: string | undefined;
}

const entry = 'src/index.ts';
const exportList = /^export (type )?\{([^}]*)\} from '(\.[^']+)';$/gm;

/** Everything that the entry point exports by name; `export type *` is left to the compiler. */
export function exportedNames(): ExportedName[] {
  return [...projectText(entry).matchAll(exportList)].flatMap(([, type, list = '', from = '']) =>
    namesIn(list).map(({ local, name }) => {
      const { path, docstring } = declarationOf(local, resolve(entry, from));
      return { name, isType: type !== undefined, path, docstring };
    }),
  );
}

/** The code of a docstring's `@example`. */
export function exampleOf(docstring: string): string | undefined {
  return /^@example\n([^]+?)(?=\n@|$(?![^]))/m.exec(docstring)?.[1];
}

function namesIn(list: string): { readonly local: string; readonly name: string }[] {
  return list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
    .map((item) => {
      const [local = '', name = local] = item.split(' as ');
      return { local, name };
    });
}

function resolve(importer: string, from: string): string {
  return posix.join(posix.dirname(importer), from);
}

function declarationOf(
  local: string,
  path: string,
): { readonly path: string; readonly docstring: string | undefined } {
  const text = projectText(path);
  const kinds = 'class|function\\*?|const|interface|type';
  const declaration = new RegExp(`^export (?:async |abstract )*(?:${kinds}) ${local}\\b(?! *[,}])`, 'm');
  const found = declaration.exec(text);
  if (found !== null) return { path, docstring: docstringBefore(text.slice(0, found.index)) };
  for (const [, , list = '', from = ''] of text.matchAll(exportList)) {
    const passedOn = namesIn(list).find(({ name }) => name === local);
    if (passedOn !== undefined) return declarationOf(passedOn.local, resolve(path, from));
  }
  for (const [, from = ''] of text.matchAll(/^export type \* from '(\.[^']+)';$/gm)) {
    if (declaration.test(projectText(resolve(path, from)))) return declarationOf(local, resolve(path, from));
  }
  throw new Error(`${path}: no declaration of ${local} is to be seen`);
}

function docstringBefore(text: string): string | undefined {
  if (!text.endsWith('*/\n')) return undefined;
  // At the beginning of a line: an example may hold a pattern such as `/etc/**`.
  const start = text.lastIndexOf('\n/**');
  return text
    .slice(start + 4, -3)
    .split('\n')
    .map((line) => line.replace(/^ *\* ?/, '').trimEnd())
    .join('\n')
    .trim();
}
