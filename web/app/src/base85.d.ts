export function encode(bytes: Uint8Array): string;
/** decode reads what encode wrote, and throws on what it cannot have written. */
export function decode(text: string): Uint8Array<ArrayBuffer>;
