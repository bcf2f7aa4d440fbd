// npm run api: writes api/tranship.api.md, every declaration that a program can reach from 'tranship'.
// npm run api -- --check: fails when that file is not what the sources say.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';

const root = dirname(import.meta.dirname);
const reportFolder = join(root, 'api');
const reportName = 'tranship.api.md';
const isCheck = process.argv.includes('--check');

function emitDeclarations(folder: string): void {
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  const args = ['-p', 'tsconfig.build.json', '--emitDeclarationOnly', '--outDir', folder];
  const result = spawnSync(tsc, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (result.status !== 0) throw new Error('tsc failed');
}

/** API Extractor brings its own compiler, which is not the project's. */
function compilerOptions(): object {
  return {
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2025'],
    strict: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
  };
}

function extractorConfig(declarations: string, output: string): ExtractorConfig {
  const entry = join(declarations, 'index.d.ts');
  const silent = { default: { logLevel: ExtractorLogLevel.None } };
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: entry,
      newlineKind: 'lf',
      compiler: { overrideTsconfig: { compilerOptions: compilerOptions(), files: [entry] } },
      apiReport: {
        enabled: true,
        reportFileName: reportName,
        reportFolder: output,
        reportTempFolder: join(output, 'new'),
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: {
          ...silent,
          // Written into the report, where a test and a reviewer see it.
          'ae-forgotten-export': { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
        },
        // Our docstrings hold plain code and braces, as the editors show them.
        tsdocMessageReporting: silent,
      },
    },
  });
}

function createReport(): string {
  const scratch = mkdtempSync(join(tmpdir(), 'tranship-api-'));
  try {
    emitDeclarations(scratch);
    const output = join(scratch, 'report');
    mkdirSync(output);
    const result = Extractor.invoke(extractorConfig(scratch, output), {
      localBuild: true,
      // That its own compiler is older than ours is no news.
      messageCallback: (message) => {
        if (message.logLevel !== ExtractorLogLevel.Error) message.handled = true;
      },
    });
    if (result.errorCount > 0) throw new Error('API Extractor failed');
    return `${readFileSync(join(output, reportName), 'utf8').trimEnd()}\n`;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function committedReport(): string {
  try {
    return readFileSync(join(reportFolder, reportName), 'utf8');
  } catch {
    return '';
  }
}

const report = createReport();
if (!isCheck) {
  mkdirSync(reportFolder, { recursive: true });
  writeFileSync(join(reportFolder, reportName), report);
} else if (report !== committedReport()) {
  console.error(`api/${reportName} is not up to date: run \`npm run api\`, and review what it changed`);
  process.exitCode = 1;
}
