// npm run bench: the benches, see bench/main.ts.
await import('../bench/main.ts');
