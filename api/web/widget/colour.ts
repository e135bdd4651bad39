/** The organisation's accent, and words on it that everybody can read. */

const HEX = /^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i;
/** Where black and white stand out equally: each then has 4.58 to 1, above the 4.5 of WCAG AA. */
const MIDDLE = Math.sqrt(1.05 * 0.05) - 0.05;

/** Black or white, whichever stands out more. */
export function textOn(hex: string): "#000" | "#fff" {
  return luminance(hex) > MIDDLE ? "#000" : "#fff";
}

/** WCAG 2's contrast between two colours, from 1 to 21. */
export function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** The rule that paints an organisation's accent; empty when there is none, or it is not a hex colour. */
export function accentRule(accent: string | null): string {
  if (!accent || !HEX.test(accent)) return "";
  return `:host { --accent: ${accent}; --on-accent: ${textOn(accent)}; }`;
}

function luminance(hex: string): number {
  const digits = hex.length === 4 ? hex.slice(1).replace(/./g, "$&$&") : hex.slice(1);
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((from) => linear(parseInt(digits.slice(from, from + 2), 16) / 255));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function linear(part: number): number {
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}
