import type { ServerResponse } from 'node:http';

/** Sends a part of an answer whose head is written, then breaks the connection. */
export function cutAnswer(response: ServerResponse, text: string): void {
  response.write(text.slice(0, text.length / 2), () => response.destroy());
}
