'use strict';
/*
 * The `api` object that an Action receives, for the triggers post-login and credentials-exchange.
 *
 * Names and behaviour: the typings of auth0/auth0-actions. Every call is recorded as a command; the tenant
 * applies the commands when the trigger has ended, as Auth0 does. What is known but not simulated throws an
 * Error that names itself; what Auth0 does not know is undefined, as there.
 */

const CACHE_LIMITS = { entries: 20, keyBytes: 64, valueBytes: 4096, defaultTtl: 900_000, maxTtl: 86_400_000 };

const NOT_SIMULATED = {
  'post-login': {
    authentication: ['challengeWith', 'challengeWithAny', 'enrollWith', 'enrollWithAny', 'recordMethod', 'setPrimaryUser'],
    groups: ['getUserGroups', 'hasGroupMembership'],
    multifactor: ['enable'],
    prompt: ['render'],
    redirect: ['encodeToken', 'sendUserTo', 'validateToken'],
    refreshToken: ['revoke', 'setExpiresAt', 'setIdleExpiresAt', 'setMetadata', 'deleteMetadata', 'evictMetadata'],
    samlResponse: [
      'setAttribute', 'setAudience', 'setRecipient', 'setCreateUpnClaim', 'setPassthroughClaimsWithNoMapping',
      'setMapUnknownClaimsAsIs', 'setMapIdentities', 'setSignatureAlgorithm', 'setDigestAlgorithm', 'setDestination',
      'setLifetimeInSeconds', 'setSignResponse', 'setNameIdentifierFormat', 'setNameIdentifierProbes',
      'setAuthnContextClassRef', 'setSigningCert', 'setIncludeAttributeNameFormat', 'setTypedAttributes',
      'setEncryptionCert', 'setEncryptionPublicKey', 'setCert', 'setKey', 'setRelayState', 'setIssuer',
      'setEncryptionAlgorithm',
    ],
    session: ['revoke', 'setExpiresAt', 'setIdleExpiresAt', 'setCookieMode', 'setMetadata', 'deleteMetadata', 'evictMetadata'],
    validation: ['error'],
  },
  'credentials-exchange': {
    transaction: ['addTargetScope', 'removeTargetScope', 'setTargetScopes', 'clearTargetScopes'],
  },
};

/** The `api` of one Action; `state` (user, transaction metadata, cache) is shared by the Actions of a run. */
function createApi(trigger, state, commands) {
  const api = {};
  const record = (type, fields) => {
    commands.push({ type, ...fields });
    return api;
  };
  const claim = (type) => (key, value) => {
    requireString(`api.${type}`, 'key', key);
    const json = JSON.stringify(value);
    return record(type, { key, value: json === undefined ? null : JSON.parse(json) });
  };
  const metadata = (type, target) => (key, value) => {
    requireString(`api.${type}`, 'key', key);
    // `null` and `undefined` take the key away, also one that an earlier Action of the run has set.
    if (value === undefined || value === null) delete target[key];
    else target[key] = JSON.parse(JSON.stringify(value));
    return record(type, { key, value: value ?? null });
  };
  const scope = (type) => (name) => {
    requireString(`api.${type}`, 'scope', name);
    if (/\s/.test(name)) throw new Error(`api.${type}: a scope has no whitespace`);
    record(type, { scope: name });
  };

  if (trigger === 'credentials-exchange') {
    api.access = {
      deny: (code, reason) => {
        state.denied = true;
        return record('access.deny', { code, reason: reason ?? '' });
      },
    };
    api.accessToken = { setCustomClaim: claim('accessToken.setCustomClaim') };
  } else {
    api.access = {
      deny: (reason) => {
        state.denied = true;
        return record('access.deny', { reason: String(reason ?? '') });
      },
    };
    api.accessToken = {
      setCustomClaim: claim('accessToken.setCustomClaim'),
      addScope: scope('accessToken.addScope'),
      removeScope: scope('accessToken.removeScope'),
    };
    api.idToken = { setCustomClaim: claim('idToken.setCustomClaim') };
    api.user = {
      setAppMetadata: metadata('user.setAppMetadata', state.app_metadata),
      setUserMetadata: metadata('user.setUserMetadata', state.user_metadata),
    };
    api.rules = { wasExecuted: () => false };
    api.redirect = { canRedirect: () => state.can_redirect };
    api.transaction = {
      setMetadata: metadata('transaction.setMetadata', state.transaction_metadata),
      deleteMetadata: (key) => metadata('transaction.setMetadata', state.transaction_metadata)(key, null),
      evictMetadata: () => {
        for (const key of Object.keys(state.transaction_metadata)) delete state.transaction_metadata[key];
        return record('transaction.evictMetadata', {});
      },
    };
  }
  api.cache = createCache(state.cache, record);
  for (const [group, names] of Object.entries(NOT_SIMULATED[trigger] ?? {})) {
    api[group] ??= {};
    for (const name of names) {
      api[group][name] = () => {
        throw new Error(`sandbox: api.${group}.${name} is not simulated`);
      };
    }
  }
  return api;
}

/** `api.cache`: synchronous, strings only, bounded as Auth0 bounds it. */
function createCache(entries, record) {
  const error = (code) => ({ type: 'error', code });
  return {
    get: (key) => {
      const entry = entries[key];
      if (!entry || entry.expires_at <= Date.now()) return undefined;
      return { value: entry.value, expires_at: entry.expires_at };
    },
    set: (key, value, options = {}) => {
      requireString('api.cache.set', 'key', key);
      requireString('api.cache.set', 'value', value);
      const now = Date.now();
      if (Buffer.byteLength(key) > CACHE_LIMITS.keyBytes) return error('CacheKeySizeExceeded');
      if (Buffer.byteLength(value) > CACHE_LIMITS.valueBytes) return error('CacheValueSizeExceeded');
      const wanted = [options.expires_at, options.ttl === undefined ? undefined : now + options.ttl].filter(
        (time) => time !== undefined,
      );
      if (wanted.some((time) => !Number.isFinite(time))) return error('InvalidExpiry');
      const expiresAt = Math.min(now + CACHE_LIMITS.maxTtl, ...(wanted.length ? wanted : [now + CACHE_LIMITS.defaultTtl]));
      if (expiresAt <= now) return error('ItemAlreadyExpired');
      for (const [other, entry] of Object.entries(entries)) if (entry.expires_at <= now) delete entries[other];
      if (!(key in entries) && Object.keys(entries).length >= CACHE_LIMITS.entries) return error('CacheSizeExceeded');
      entries[key] = { value, expires_at: expiresAt };
      record('cache.set', { key });
      return { type: 'success', record: { value, expires_at: expiresAt } };
    },
    delete: (key) => {
      if (!(key in entries)) return error('CacheKeyDoesNotExist');
      delete entries[key];
      record('cache.delete', { key });
      return { type: 'success' };
    },
  };
}

function requireString(call, name, value) {
  if (typeof value !== 'string' || value === '') throw new Error(`${call}: ${name} must be a non-empty string`);
}

module.exports = { createApi };
