/** What a human may recognise a browser by: `Firefox on Linux`. Made of what the browser says of itself, so it proves nothing. */
import Bowser from "bowser";

const userAgentLengthMax = 300;
const nameLengthMax = 80;

/** Undefined where the text says nothing that can be read. */
export const deviceName = (userAgent: string): string | undefined => {
  if (userAgent === "") return undefined;
  const { browser, os } = Bowser.parse(userAgent.slice(0, userAgentLengthMax));
  const name = [browser.name, os.name].filter((part) => part !== undefined && part !== "").join(" on ");
  return name === "" ? undefined : name.slice(0, nameLengthMax);
};
