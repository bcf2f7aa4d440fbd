#!/usr/bin/env node
// Brings a clone into a state in which everything runs, then runs the command that was given, if any:
//   node scripts/setup.mjs [command [argument...]]
// Must run on Node 20 with nothing installed. The command is started from here and not by the shell, because
// a shell that has looked up `node` once keeps using the machine's own.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const pinnedVersion = '24.21.0';
const pinnedPlatforms = ['linux-x64', 'linux-arm64', 'darwin-arm64'];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const binFolder = join(root, 'node_modules', '.bin');
const pinnedNode = join(binFolder, 'node');

function readJson(...path) {
  try {
    return JSON.parse(readFileSync(join(root, ...path), 'utf8'));
  } catch {
    return undefined;
  }
}

/** True when npm's own record of what it installed holds every package of the lockfile in its version. */
function dependenciesInstalled() {
  const wanted = readJson('package-lock.json')?.packages ?? {};
  const installed = readJson('node_modules', '.package-lock.json')?.packages;
  if (installed === undefined) return false;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || installed[path]?.version === entry.version,
  );
}

/** True when this Node runs TypeScript sources as they are. */
function runsTypeScript() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major >= 24 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
}

function runNpm(args) {
  const cli = process.env.npm_execpath;
  const viaCli = cli !== undefined && /npm-cli\.c?js$/.test(cli);
  const [command, first] = viaCli ? [process.execPath, [cli]] : ['npm', []];
  // Standard output belongs to the command that follows.
  const result = spawnSync(command, [...first, ...args], { cwd: root, stdio: ['ignore', 2, 2] });
  if (result.status === 0) return;
  const reason = result.error?.message ?? `exit code ${result.status ?? result.signal}`;
  fail(`npm ${args.join(' ')} failed (${reason})`);
}

function fail(message) {
  process.stderr.write(`setup: ${message}\n`);
  process.exit(1);
}

function installDependencies() {
  if (dependenciesInstalled()) return;
  process.stderr.write('setup: installing the dependencies of package-lock.json\n');
  runNpm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
}

/** Adds the pinned runtime. Must come after `npm ci`, which removes every package the lockfile does not know. */
function installRuntime() {
  if (runsTypeScript()) return process.execPath;
  const platform = `${process.platform}-${process.arch}`;
  const name = `node-${platform}`;
  if (readJson('node_modules', name, 'package.json')?.version === pinnedVersion && existsSync(pinnedNode)) {
    return pinnedNode;
  }
  if (!pinnedPlatforms.includes(platform)) {
    fail(`this is Node ${process.versions.node} on ${platform}; install Node 24 and run the command again`);
  }
  process.stderr.write(`setup: this is Node ${process.versions.node}; adding ${name}@${pinnedVersion}\n`);
  runNpm([
    'install',
    '--no-save',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    `${name}@${pinnedVersion}`,
  ]);
  const check = spawnSync(pinnedNode, ['--version'], { encoding: 'utf8' });
  if (check.status !== 0)
    fail(`${name} does not run on this machine (musl?); install Node 24 and run the command again`);
  return pinnedNode;
}

/** Runs the command with the toolchain first on PATH, and ends the way it ends. */
function run(node, [command, ...args]) {
  const env = { ...process.env, PATH: `${binFolder}${delimiter}${process.env.PATH ?? ''}` };
  const child = spawn(command === 'node' ? node : command, args, { cwd: root, stdio: 'inherit', env });
  const terminal = process.stdin.isTTY === true;
  const forward = (signal) => {
    // A terminal interrupts the whole process group by itself.
    if (!(terminal && signal === 'SIGINT')) child.kill(signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, forward);
  child.on('error', (error) => fail(`cannot start ${command}: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

installDependencies();
const node = installRuntime();
const command = process.argv.slice(2);
if (command.length > 0) run(node, command);
