// How a run of the tests is shown: a line a file as it ends, with what failed in it; then all failures again, and the counts as the
// last line. Failures stand twice, since a log may be cut at either end.
import type { FileReport } from "./run-file.ts";

const slowMs = 3_000;
const slowFilesShownMax = 5;

export const fileLine = (report: FileReport): string => {
  const outcome = report.failures.length === 0 ? "ok  " : "FAIL";
  const line = `${outcome} ${report.file}  ${report.passed} passed, ${seconds(report.durationMs)}`;
  return report.failures.length === 0 ? line : `${line}\n${fileFailures(report)}\n`;
};

/** Everything after the last file: failures, slow files, counts. */
export const summary = (reports: readonly FileReport[], problems: readonly string[]): string => {
  const failedFiles = reports.filter((report) => report.failures.length > 0);
  const slow = reports
    .filter((report) => report.durationMs >= slowMs)
    .toSorted((one, other) => other.durationMs - one.durationMs)
    .slice(0, slowFilesShownMax);
  const passed = sum(reports.map((report) => report.passed));
  const failed = sum(reports.map((report) => report.failures.length)) + problems.length;
  return [
    ...failedFiles.map(fileFailures),
    ...problems.map((problem) => `\nFAIL ${problem}`),
    ...(slow.length > 0
      ? ["", "slowest files:", ...slow.map((file) => `  ${seconds(file.durationMs)}  ${file.file}`)]
      : []),
    "",
    `${passed} passed, ${failed} failed`,
  ].join("\n");
};

const fileFailures = (report: FileReport): string => {
  const failures = report.failures.map(
    ({ title, where, detail }) => `\nFAIL ${title}\n  at ${where}\n${indent(detail)}`,
  );
  const output = report.output.trim();
  return [...failures, ...(output === "" ? [] : [`\n  ${report.file} wrote:\n${indent(output)}`])].join("\n");
};

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
const indent = (text: string): string => text.replaceAll(/^/gm, "    ");
