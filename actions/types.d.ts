/**
 * What our Actions and their tests use of Auth0's post-login v3 API.
 *
 * Names and optionality follow Auth0's reference ("Actions triggers: post-login, event object / API object"). The complete
 * typings are Auth0's own npm package `@auth0/actions`; what is absent here is absent because no Action of ours uses it.
 */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export interface User {
  user_id: string;
  email?: string;
  email_verified?: boolean;
  name?: string;
  nickname?: string;
  picture?: string;
  created_at?: string | Date;
  updated_at?: string | Date;
  /** Written by the user's own client: never a base for rights. */
  user_metadata?: Record<string, unknown>;
  /** Written by administrators only. */
  app_metadata?: Record<string, unknown>;
}

export interface PostLoginEvent {
  client: { client_id: string; name?: string };
  user: User;
  secrets: Record<string, string | undefined>;
  transaction?: { protocol?: string };
  authorization?: { roles?: string[] };
  organization?: { id: string; name?: string; display_name?: string; metadata?: Record<string, unknown> };
  connection?: { id?: string; name?: string; strategy?: string; metadata?: Record<string, unknown> };
}

export interface PostLoginApi {
  access: { deny(reason: string): unknown };
  idToken: { setCustomClaim(name: string, value: unknown): unknown };
  accessToken: { setCustomClaim(name: string, value: unknown): unknown };
}

/** Secret `SYNC` of sync-user, once parsed and checked. */
export interface Sync {
  table: string;
  constraint: string;
  key: string;
  columns: Record<string, string | string[]>;
  guard: string;
  role: string;
  onFailure: "deny" | "allow";
  timeoutMs: number;
  onRefreshTokenExchange: boolean;
}

/** Secret `CLAIMS` of hasura-claims, once parsed and checked. */
export interface Claims {
  namespace: string;
  defaultRole: string;
  allowedRoles: string[];
  roleMap: Record<string, string>;
  claims: Record<string, string | string[]>;
}
