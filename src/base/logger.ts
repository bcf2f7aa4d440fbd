/** Where the library reports what no return value carries; nothing is printed unless the caller passes one. */
export interface Logger {
  debug(message: string): void;
  warn(message: string): void;
}

export const silentLogger: Logger = { debug() {}, warn() {} };
