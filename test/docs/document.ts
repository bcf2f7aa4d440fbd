import { posix } from 'node:path';
import { projectText } from '../support/project-files.ts';

export interface Fence {
  readonly language: string;
  readonly code: string;
  readonly line: number;
  /** False below a comment `<!-- not run -->`, which no reader sees. */
  readonly isRun: boolean;
  /** True below a comment `<!-- needs restic -->`. */
  readonly needsRestic: boolean;
  /** True below a comment `<!-- needs s3 -->`: a script of its own, for a server at port 9000 with a bucket. */
  readonly needsS3: boolean;
}

/** The code fences of a Markdown file of the project, in order. */
export function fencesOf(path: string): Fence[] {
  const lines = projectText(path).split('\n');
  const fences: Fence[] = [];
  for (let start = 0; start < lines.length; start++) {
    const language = /^```(\w+)$/.exec(lines[start] ?? '')?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf('```', start);
    if (end === -1) throw new Error(`${path}:${start + 1}: the fence is not closed`);
    const comment = lines[start - 1] ?? '';
    fences.push({
      language,
      code: lines.slice(start + 1, end).join('\n'),
      line: start + 1,
      isRun: comment !== '<!-- not run -->',
      needsRestic: comment === '<!-- needs restic -->',
      needsS3: comment === '<!-- needs s3 -->',
    });
    start = end;
  }
  return fences;
}

export interface Link {
  readonly line: number;
  /** Path from the project's root; the document itself for `#anchor` alone. */
  readonly target: string;
  readonly anchor: string | undefined;
}

/** Links from a Markdown file to files of the project. */
export function localLinksOf(path: string): Link[] {
  return withoutFences(projectText(path))
    .split('\n')
    .flatMap((text, index) =>
      [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap((match) => {
        const url = match[1] ?? '';
        if (/^[a-z]+:/.test(url)) return [];
        const [file = '', anchor] = url.split('#');
        const target = file === '' ? path : posix.join(posix.dirname(path), file);
        return [{ line: index + 1, target, anchor }];
      }),
    );
}

/** The anchors that GitHub gives to the headings of a Markdown file. */
export function anchorsOf(path: string): ReadonlySet<string> {
  const headings = withoutFences(projectText(path)).matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map((match) =>
      (match[1] ?? '')
        .toLowerCase()
        .replace(/[^\p{Letter}\p{Number}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  );
}

/** Lines keep their numbers. */
function withoutFences(text: string): string {
  return text.replace(/^```[^]*?^```$/gm, (fence) => fence.replace(/[^\n]/g, ''));
}
