// iam-simulate, as it lies in the folder that a program is told: what decides, and what it takes.
// Ours are programs that run beside the tests and the bench; the library itself (AGPL) is fetched, never kept here.
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const home = join(resolve(process.argv[2]), 'node_modules', '@cloud-copilot')
const load = (...parts) => import(pathToFileURL(join(home, ...parts)).href)

export const { authorize } = await load('iam-simulate', 'dist', 'esm', 'core_engine', 'CoreSimulatorEngine.js')
export const { AwsRequestImpl } = await load('iam-simulate', 'dist', 'esm', 'request', 'request.js')
export const { RequestContextImpl } = await load('iam-simulate', 'dist', 'esm', 'requestContext.js')
export const { loadPolicy } = await load('iam-policy', 'dist', 'esm', 'index.js')
const { DiscoveryContextKeyConstraints } = await load(
  'iam-simulate', 'dist', 'esm', 'context_keys', 'discoveryContextKeyConstraints.js')

export const simulationParameters = {
  simulationMode: 'Strict', discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]) }
