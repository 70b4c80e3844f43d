/** The account pages. */
export const account = {
  "account.title": "Your account",
};
