/** What a benchmark leaves behind: a table to read, and `bench/results/NAME.json` for other programs (design §7). */
import { mkdirSync, writeFileSync } from "node:fs";
import { describeMachine } from "./machine.ts";
import type { Row } from "./rounds.ts";

/** What a figure is held to; with neither, it is reported and not judged. */
export type Limits = { readonly atMost?: number; readonly atLeast?: number };

export type Ratio = { readonly name: string; readonly value: number } & Limits;

/** A ratio to be: the CPU per request of one row over that of another. */
export type RatioOf = { readonly name: string; readonly above: string; readonly below: string } & Limits;

/** A figure of one row that is judged by itself. */
export type Bound = { readonly row: string; readonly figure: "per_s"; readonly atLeast: number };

export type Report = {
  readonly rows: readonly Row[];
  readonly ratios: readonly Ratio[];
  readonly bounds: readonly Bound[];
};

/** Each ratio's value; NaN where one of its rows was not measured. */
export const ratiosOf = (rows: readonly Row[], wanted: readonly RatioOf[]): readonly Ratio[] => {
  const cpu = (name: string): number => rows.find((row) => row.name === name)?.cpu_us ?? Number.NaN;
  return wanted.map(({ above, below, ...ratio }) => ({ ...ratio, value: cpu(above) / cpu(below) }));
};

/** Three figures that count, without an exponent. */
const figure = (value: number): string => {
  if (!Number.isFinite(value)) return "-";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toLocaleString("en", {
    minimumFractionDigits: Math.min(digits, 5),
    maximumFractionDigits: Math.min(digits, 5),
  });
};

const table = (lines: readonly (readonly string[])[]): string => {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return lines.map((line) => line.map(pad).join("  ").trimEnd()).join("\n");
};

const target = ({ atMost, atLeast }: Limits): string =>
  atMost !== undefined
    ? `≤ ${atMost.toLocaleString("en")}`
    : atLeast !== undefined
      ? `≥ ${atLeast.toLocaleString("en")}`
      : "";

const judge = (value: number, { atMost = Infinity, atLeast = -Infinity }: Limits): "pass" | "MISS" | "not measured" =>
  Number.isNaN(value) ? "not measured" : value <= atMost && value >= atLeast ? "pass" : "MISS";

const mark = (value: number, limits: Limits): string => {
  const judged = judge(value, limits);
  return judged === "pass" && target(limits) === "" ? "" : judged;
};

const boundValue = ({ rows }: Report, { row, figure: name }: Bound): number =>
  rows.find((each) => each.name === row)?.[name] ?? Number.NaN;

/** The table, targets and whether they were reached. */
export const renderReport = (report: Report): string => {
  const rows = report.rows.map((row) => [
    row.name,
    ...[row.cpu_us, row.per_s, row.p50_ms, row.p99_ms, row.load_cpu_us].map(figure),
  ]);
  const ratios = report.ratios.map((ratio) => [
    ratio.name,
    figure(ratio.value),
    target(ratio),
    mark(ratio.value, ratio),
  ]);
  const bounds = report.bounds.map((bound) => {
    const value = boundValue(report, bound);
    return [`${bound.row} ${bound.figure}`, figure(value), target(bound), mark(value, bound)];
  });
  return [
    describeMachine(),
    table([["row", "CPU µs", "per s", "p50 ms", "p99 ms", "load's CPU µs"], ...rows]),
    table([["ratio", "value", "target", ""], ...ratios, ...bounds]),
  ].join("\n\n");
};

const results = new URL("../results/", import.meta.url);

/** What was not measured is left out, as JSON has no word for it. */
const finite = (entries: readonly (readonly [string, number])[]): Readonly<Record<string, number>> =>
  Object.fromEntries(entries.filter(([, value]) => Number.isFinite(value)));

/** Writes the figures where design §7 says they are; returns the path. */
export const writeReport = (name: string, { rows, ratios }: Report): string => {
  const file = new URL(`${name}.json`, results);
  mkdirSync(results, { recursive: true });
  const figures = {
    rows: rows.map(({ load_cpu_us: _load, ...row }) => row),
    ratios: finite(ratios.map((ratio) => [ratio.name, ratio.value])),
    load_cpu_us: finite(rows.map((row) => [row.name, row.load_cpu_us])),
    machine: describeMachine(),
  };
  writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`);
  return file.pathname;
};
