/** A table as restic prints it: a heading, two rules, columns two spaces apart. A row may have several lines. */
export function textTable(
  heading: readonly string[],
  rows: readonly (readonly (readonly string[])[])[],
  footer: readonly string[],
): string[] {
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.flatMap((row) => (row[column] ?? []).map((cell) => cell.length))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width + 2, 0) - 2);
  const body = rows.flatMap((row) => {
    const height = Math.max(1, ...row.map((cell) => cell.length));
    return Array.from({ length: height }, (_, index) => line(row.map((cell) => cell[index] ?? '')));
  });
  return [line(heading), rule, ...body, rule, ...footer];
}
