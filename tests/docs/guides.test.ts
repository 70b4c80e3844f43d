import { followGuides } from "./follow-guides.ts";

await followGuides("of the rest");
