// What a decision costs in iam-simulate, run as a program of its own: {"policy", "requests", "seconds"} on standard
// input, {"rate", "outcomes"} out: decisions a second of processor time, the policy read once, and what was decided.
import { readFileSync } from 'node:fs'
import { AwsRequestImpl, RequestContextImpl, authorize, loadPolicy, simulationParameters } from '../tools/iam_simulate.mjs'

const { policy, requests, seconds } = JSON.parse(readFileSync(0, 'utf-8'))
const identityPolicies = [loadPolicy(policy, { name: 'bench' })]
const decide = ({ principal, action, resource, account, context }) => authorize({
  request: new AwsRequestImpl(
    principal, { resource, accountId: account }, action, new RequestContextImpl(context), false),
  sessionPolicy: undefined, identityPolicies, serviceControlPolicies: [], resourceControlPolicies: [],
  resourcePolicy: undefined, permissionBoundaries: undefined, vpcEndpointPolicies: undefined, simulationParameters,
  serviceSettings: { s3: { blockPublicAccess: false } }
}).result

const spent = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6 }
const outcomes = [...new Set(requests.slice(0, 20).map(decide))]
for (const start = spent(); spent() - start < 1;) decide(requests[0]) // until it is compiled
let best = 0
for (let run = 0; run < 3; run++) {
  const start = spent()
  let done = 0
  for (; spent() - start < seconds; done++) decide(requests[done % requests.length])
  best = Math.max(best, done / (spent() - start))
}
process.stdout.write(JSON.stringify({ rate: best, outcomes }) + '\n')
