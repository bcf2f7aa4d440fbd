import { Lexer } from 'yaml';
import { UsageError } from '../../../base/errors.ts';

/** Objects of Kubernetes are far from either; beyond them a parser takes minutes and gigabytes. */
const MAX_DEPTH = 100;
const MAX_DOCUMENTS = 1000;

/** Throws UsageError for YAML whose brackets or dashes in a line are nested too deep, or with too many documents. */
export function checkYamlShape(text: string, file: string): void {
  let [brackets, indicators, documents, line] = [0, 0, 0, 1];
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
    if (documents > MAX_DOCUMENTS) throw new UsageError('the YAML has too many documents', { where: file });
  }
}
