import { Lexer } from 'yaml';
import { UsageError } from '../../../base/errors.ts';

/** Objects of Kubernetes are far from all; beyond them a parser takes minutes and gigabytes. */
const MAX_DEPTH = 100;
/** Words, signs and spaces between them, which a parser takes seconds for. */
const MAX_TOKENS = 1_000_000;
/** Ends of lines, each of which is a token too; those of texts that are one token are not counted. */
const MAX_NEWLINES = 1_000_000;
const MAX_DOCUMENTS = 1000;

/** Throws UsageError for YAML that is too long to be parsed, or nested too deep by brackets or by dashes in a line. */
export function checkYamlShape(text: string, file: string): void {
  let [brackets, indicators, documents, tokens, newlines, line] = [0, 0, 0, 0, 0, 1];
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') brackets += 1;
    else if (token === ']' || token === '}') brackets -= 1;
    else if (brackets === 0 && (token === '-' || token === '?' || token === ':')) indicators += 1;
    else if (token === '---') documents += 1;
    if (token.includes('\n')) {
      line += token.split('\n').length - 1;
      indicators = 0;
    }
    if (brackets + indicators > MAX_DEPTH) {
      throw new UsageError('the YAML is nested too deep', { where: `${file}:${line}` });
    }
    if (token === '\n' || token === '\r\n') newlines += 1;
    else tokens += 1;
    if (tokens > MAX_TOKENS || newlines > MAX_NEWLINES) {
      throw new UsageError(`the YAML has too many ${tokens > MAX_TOKENS ? 'values' : 'lines'}`, {
        where: `${file}:${line}`,
        advice: 'leave in it the store and its Secret only',
      });
    }
    if (documents > MAX_DOCUMENTS) throw new UsageError('the YAML has too many documents', { where: file });
  }
}
