import type { DiskDocument } from '../../snapshot/disk-document.ts';
import type { DiskEvent } from '../../snapshot/disk-events.ts';
import { describeViolation } from '../../snapshot/preflight.ts';
import type { PreflightViolation } from '../../snapshot/preflight.ts';
import type { SweptItem } from '../../snapshot/sweep-disks.ts';
import { formatBytes } from '../byte-size.ts';
import { formatDuration } from '../duration.ts';
import { formatLocalTime } from '../local-time.ts';
import type { Output } from '../output.ts';
import { safeText } from '../safe-text.ts';
import { textTable } from '../text-table.ts';

/** Tells what happens to disks while it does: on a terminal in one line, with `--json` as messages. */
export class DiskProgress {
  readonly #output: Output;
  readonly #percent = new Map<string, number | undefined>();

  constructor(output: Output) {
    this.#output = output;
  }

  readonly onEvent = (event: DiskEvent): void => {
    const output = this.#output;
    if (event.kind === 'progress') {
      this.#percent.set(event.volume, event.percent);
      output.showProgress(`[${formatDuration(event.waitedMs)}] ${this.#text()}`);
      if (output.showsStatus) output.message({ message_type: 'status', ...jsonOf(event) });
      return;
    }
    const { kind, thing, volume } = event;
    const detail = event.kind === 'unanswered' ? event.error.message : event.id;
    if (output.verbosity > 0) output.info(safeText(`${kind} ${thing} ${volume}: ${detail}`));
    output.message({ message_type: 'disk', ...jsonOf(event) });
  };

  #text(): string {
    const parts = [...this.#percent].map(([volume, percent]) =>
      percent === undefined ? volume : `${volume} ${percent} %`,
    );
    return safeText(parts.join('  '));
  }
}

function jsonOf(event: DiskEvent): object {
  if (event.kind === 'unanswered') {
    const { kind, thing, volume, error } = event;
    return { event: kind, thing, volume, message: error.message };
  }
  if (event.kind !== 'progress') {
    const { kind, thing, volume, id } = event;
    return { event: kind, thing, volume, id };
  }
  const { thing, volume, id, percent, waitedMs } = event;
  return { thing, volume, id, percent: percent ?? null, seconds_elapsed: Math.floor(waitedMs / 1000) };
}

/** What speaks against moving volumes by snapshots, as a table. */
export function printViolations(
  violations: readonly PreflightViolation[],
  volumes: number,
  output: Output,
): void {
  for (const { volume, code, severity, rule, found, wanted, advice, remedy } of violations) {
    output.message({
      message_type: 'violation',
      volume,
      code,
      severity,
      rule,
      found,
      wanted,
      advice,
      remedy: remedy ?? null,
    });
  }
  output.message({ message_type: 'summary', volumes, violations: violations.length });
  if (output.json) return;
  if (violations.length === 0) return output.print(`nothing speaks against it: ${volumes} volumes`);
  const rows = violations.map(({ volume, code, severity, found, wanted, advice }) => [
    [safeText(volume), severity],
    [code],
    [
      safeText(`${found.what}: ${found.value}`),
      safeText(`${wanted.what}: ${wanted.value}`),
      safeText(advice),
    ],
  ]);
  const footer = [`${violations.length} violations`];
  for (const line of textTable(['Volume', 'Rule', 'What disagrees, and what to do'], rows, footer)) {
    output.print(line);
  }
}

export function warnViolations(violations: readonly PreflightViolation[], output: Output): void {
  for (const violation of violations) {
    if (violation.severity === 'warning') output.warn(safeText(describeViolation(violation)));
  }
}

/** What a document says, for `--json`. */
export function documentJson(document: DiskDocument): object {
  const { id, kind, state, plan, volume, pass, provider, account } = document;
  const time = (epochMs: number): string => new Date(epochMs).toISOString();
  const common = { id, kind, state, plan, volume, pass, provider, account, begun: time(document.begunMs) };
  if (document.kind === 'disk') {
    const { disk, request, snapshotDocument: snapshot } = document;
    const { region, type, sizeBytes } = disk ?? request;
    const zones = disk?.zones ?? request.zones;
    return { ...common, snapshot, disk_id: disk?.id ?? null, region, zones, type, size: sizeBytes };
  }
  const { disk, snapshot, shares } = document;
  return {
    ...common,
    expires: time(document.expiresMs),
    snapshot_id: snapshot?.id ?? null,
    source_disk: disk.id,
    region: disk.region,
    zones: disk.zones,
    type: disk.type,
    size: disk.sizeBytes,
    shared_with: shares.filter(({ snapshotId }) => snapshotId === snapshot?.id).map((share) => share.account),
  };
}

/** A document that is there, and says nothing. */
export interface UnreadableDocument {
  readonly id: string;
  readonly error: Error;
}

/** Rows of what the repository names. */
export function printDocuments(
  listed: readonly { readonly document: DiskDocument; readonly now?: string | undefined }[],
  unreadable: readonly UnreadableDocument[],
  output: Output,
): void {
  if (output.json) {
    const read = listed.map(({ document, now }) => ({ ...documentJson(document), now: now ?? null }));
    const others = unreadable.map(({ id, error }) => ({ id, state: 'unreadable', message: error.message }));
    output.raw(JSON.stringify([...read, ...others]));
    return;
  }
  for (const { error } of unreadable) output.warn(safeText(error.message));
  if (listed.length === 0) return output.print('no disk snapshot and no restored disk');
  const rows = listed.map(({ document, now }) => {
    const made = document.kind === 'snapshot' ? document.snapshot?.id : document.disk?.id;
    const size = document.kind === 'snapshot' ? document.disk.sizeBytes : document.request.sizeBytes;
    return [
      [document.id],
      [document.kind],
      [now === undefined ? document.state : `${document.state}, ${now}`],
      [safeText(`${document.plan}: ${document.volume}`)],
      [formatLocalTime(document.begunMs)],
      [formatBytes(size)],
      [safeText(made ?? '')],
    ];
  });
  const heading = ['ID', 'Kind', 'State', 'Plan: volume', 'Begun', 'Size', 'In the cloud'];
  for (const line of textTable(heading, rows, ['times are in local time'])) output.print(line);
}

/** What a sweep removed or left. */
export function printSwept(
  verb: string,
  items: readonly (SweptItem & { readonly error?: Error })[],
  output: Output,
): void {
  for (const { thing, id, volume, reason, error } of items) {
    output.message({
      message_type: 'swept',
      action: verb,
      thing,
      id,
      volume,
      reason,
      error: error?.message ?? null,
    });
    const why = error === undefined ? reason : `${reason}: ${error.message}`;
    output.print(safeText(`${verb} ${thing} ${id} (${why})`));
  }
}
