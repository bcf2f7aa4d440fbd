/**
 * The JSON text with line breaks and two spaces a level, as Go's json.Indent: numbers and strings are left as they
 * stand, so that nothing is rounded or escaped otherwise. The text must be valid JSON.
 */
export function indentJson(text: string): string {
  const tokens = text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s"[\]{},:]+/gs);
  let result = '';
  let depth = 0;
  let previous = '';
  for (const [token] of tokens) {
    const closes = token === '}' || token === ']';
    const wasOpening = previous === '{' || previous === '[';
    if (closes) depth--;
    if ((closes && !wasOpening) || (!closes && wasOpening) || previous === ',') {
      result += `\n${'  '.repeat(depth)}`;
    }
    result += token === ':' ? ': ' : token;
    if (token === '{' || token === '[') depth++;
    previous = token;
  }
  return result;
}
