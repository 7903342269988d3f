/**
 * Documents that repeat what the code knows -> docs/. Runs on Node 24 (it imports TypeScript). `--check` compares with
 * the committed files and writes nothing.
 */
import { renderDocuments } from '../bench/report.ts';
import { readResults } from '../bench/store.ts';
import { ERRORS } from '../src/errors.ts';
import { renderMetricsDoc } from '../src/observe/registry.ts';
import { publish } from './generated.mjs';

const renderErrors = () => `${banner('src/errors.ts')}
# Errors

Every error has a code, which stays the same over releases, and says what to do. Exit status: 2 for a mistake in the
command line, 1 for what went wrong, 70 for a bug in Shunt. Words in braces stand for what the message names.

${Object.entries(ERRORS).map(renderError).join('\n')}`;

const renderError = ([code, { message, help, status }]) => `## ${code}

> ${message}

${help} Exit status ${status}.
`;

const banner = (source) =>
  `<!-- Generated from ${source} by scripts/gen-docs.mjs. Do not edit: run \`make generate\`. -->`;

/** Path -> what its text is made by. */
const DOCUMENTS = {
  'docs/errors.md': renderErrors,
  'docs/metrics.md': renderMetricsDoc,
};

publish({
  ...Object.fromEntries(Object.entries(DOCUMENTS).map(([path, render]) => [path, render()])),
  ...renderDocuments(readResults()),
});
