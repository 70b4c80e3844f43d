/** What a command has to say goes to standard output, as JSON that people can read too; remarks go to standard error. */
export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));

export const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

export const remark = (text: string): void => {
  process.stderr.write(`${text}\n`);
};
