// Cases in, a JSON object a line; out, a line each, what iam-simulate decides: {"id", "decision"} or {"id", "error"}.
// It runs as a program of its own beside the tests: `node opinion.mjs FOLDER`, where FOLDER holds node_modules.
import { createInterface } from 'node:readline'
import { AwsRequestImpl, RequestContextImpl, authorize, loadPolicy, simulationParameters } from '../../../tools/iam_simulate.mjs'

const WORDS = { Allowed: 'allow', ExplicitlyDenied: 'explicit_deny', ImplicitlyDenied: 'implicit_deny' }
const FULL_ACCESS = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' }] }
const named = (documents, name) => documents.map((each, at) => loadPolicy(each, { name: `${name} ${at}` }))
const levels = (found, name, always) =>
  (found ?? []).map((level, at) => ({ orgIdentifier: `${name} ${at}`, policies: named([...always, ...level], name) }))

function decide(asked) {
  const { request, policies, also } = asked
  const principal = request.principal === 'anonymous' ? { type: 'Anonymous' } : request.principal
  const context = new RequestContextImpl(request.context)
  const session = policies.session
  const own = policies.trust ?? policies.resource
  return WORDS[authorize({
    request: new AwsRequestImpl(
      principal, { resource: request.resource, accountId: request.resource_account }, request.action, context,
      request.resource === '*'),
    sessionPolicy: session ? loadPolicy(session, { name: 'session' }) : undefined,
    identityPolicies: named(policies.identity ?? [], 'identity'),
    serviceControlPolicies: levels(policies.scps, 'scp', []),
    resourceControlPolicies: levels(policies.rcps, 'rcp', [FULL_ACCESS]),
    resourcePolicy: own ? loadPolicy(own, { name: 'resource' }) : undefined,
    permissionBoundaries: policies.boundary ? named(policies.boundary, 'boundary') : undefined,
    vpcEndpointPolicies: policies.endpoint ? named([policies.endpoint], 'endpoint') : undefined,
    simulationParameters,
    serviceSettings: { s3: { blockPublicAccess: false } }
  }).result]
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line)
  let answer
  try {
    answer = { id: asked.id, decision: decide(asked) }
  } catch (problem) {
    answer = { id: asked.id, error: String(problem) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
